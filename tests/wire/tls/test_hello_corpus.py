"""Every ClientHello of the real captures: what two other dissectors saw in the same bytes, no more and no less."""

import ipaddress
import re
from collections import Counter
from functools import cache

import client_hellos as build
import corpus
import pytest
from corpus import Capture

from monitor.capture.file import read_frames
from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, ClientHello, HttpRequest, Observation
from monitor.wire.decoder import Decoder
from monitor.wire.quic.connections import QuicConnections
from monitor.wire.quic.versions import VERSIONS
from monitor.wire.tcp.streams import Streams

pytestmark = pytest.mark.corpus

CAPTURES = {capture.name: capture for capture in corpus.captures()}


def having(kind: str) -> list[Capture]:
    """The captures with a truth of that kind."""
    return [capture for capture in CAPTURES.values() if capture.truth(kind)]


# Source, port, destination, port, name, protocols, ECH.
Row = tuple[str, str, str, str, str, str, bool]

# Differences that were looked into, by capture: what tshark has more than we (-) and less (+), and why that is.
TLS_EXPLAINED: dict[str, tuple[int, int, str]] = {
    "ndpi__ossfuzz_seed_fake_traces_1.pcapng": (
        2,
        0,
        "segments without ACK, which servers drop (RFC 9293 section 3.10.7.4)",
    ),
    "suricata__tcp-fastopen-10-syn-data-ignore.pcap": (2, 0, "the same: one hello, sent four times with one number"),
    "ndpi__KakaoTalk_chat.pcap": (1, 0, "a hello without a name that was sent again with the same bytes"),
    "ndpi__443-opvn.pcap": (1, 0, "TLS inside OpenVPN's own framing"),
    "ndpi__rdp2.pcap": (2, 0, "TLS inside RDP over UDP"),
    "zeek__rdp_rdpeudp2-handshake-success.pcap": (1, 0, "TLS inside RDP over UDP"),
}
QUIC_EXPLAINED: dict[str, tuple[int, int, str]] = {
    "mercury__quic-crypto-packets.pcap": (
        8, 3, "hellos sent again count once; three connections were captured before and behind a NAT",
    ),
}  # fmt: skip
# JA4 as it was before the rule for protocols that are not ASCII.
JA4_EXPLAINED = {"t13d151699_8daaf6152771_e5627efa2ab1"}


@cache
def decode(name: str) -> tuple[list[Observation], dict[tuple[str, str], int]]:
    errors = ErrorCounts()
    decoder = Decoder(Limits(), errors, False)
    seen: list[Observation] = []
    for batch in read_frames(CAPTURES[name].path):
        for frame in batch:
            decoder.decode(frame, seen)
    return seen, errors.counts


def text(address: bytes) -> str:
    return str(ipaddress.ip_address(address))


def row_of(seen: ClientHello) -> Row:
    packet = seen.packet
    # tshark shows bytes that are not UTF-8 as replacement characters.
    protocols = ",".join(protocol.decode("utf-8", "replace") for protocol in seen.alpn)
    ends = (text(packet.source), str(packet.source_port), text(packet.destination), str(packet.destination_port))
    return (*ends, seen.sni.decode(), protocols, seen.ech_offered)


def row_in(truth: dict[str, str]) -> Row:
    ends = (truth["src"], truth["sport"], truth["dst"], truth["dport"])
    return (*ends, truth["sni"].lower(), truth["alpn"], truth["ech"] == "1" or truth.get("esni") == "1")


def compare(capture: Capture, wanted: Counter[Row], quic: bool, explained: dict[str, tuple[int, int, str]]) -> None:
    seen, errors = decode(capture.name)
    assert ("decoder", "internal") not in errors
    found = Counter(row_of(hello) for hello in build.hellos(seen) if (hello.quic != 0) == quic)
    missing, extra, why = explained.get(capture.name, (0, 0, ""))
    assert ((wanted - found).total(), (found - wanted).total()) == (missing, extra), (
        wanted - found,
        found - wanted,
        why,
    )


@pytest.mark.parametrize("capture", CAPTURES.values(), ids=lambda capture: capture.name)
def test_tls_is_what_tshark_sees(capture: Capture) -> None:
    compare(capture, Counter(row_in(truth) for truth in capture.truth("tls")), False, TLS_EXPLAINED)


@pytest.mark.parametrize("capture", CAPTURES.values(), ids=lambda capture: capture.name)
def test_quic_is_what_tshark_sees(capture: Capture) -> None:
    """Google's QUIC before TLS is not read."""
    rows = [truth for truth in capture.truth("quic") if truth["ch_done"] == "1" and "gquic" not in truth["version"]]
    compare(capture, Counter(row_in(truth) for truth in rows), True, QUIC_EXPLAINED)


@pytest.mark.parametrize("capture", having("quic.alt"), ids=lambda capture: capture.name)
def test_quic_is_what_aioquic_sees(capture: Capture) -> None:
    """As sets: aioquic counts what follows a Retry again. It tries the keys of version 1 on unknown versions too."""
    known = [
        truth for truth in capture.truth("quic.alt") if not truth["error"] and int(truth["version"], 16) in VERSIONS
    ]
    wanted = {row_in(truth) for truth in known}
    found = {row_of(hello) for hello in build.hellos(decode(capture.name)[0]) if hello.quic}
    assert wanted <= found


def offered(truth: dict[str, str]) -> int:
    """The version that a hello offers, from tshark's list: TLS 1.3 before its drafts before the rest."""
    grease = {0x0A0A + 0x1010 * step for step in range(16)}
    versions = [int(version, 16) for version in truth["supported_versions"].split(",") if version]
    usable = [version for version in versions if version not in grease]
    return 0x0304 if 0x0304 in usable else max(usable, default=int(truth["legacy_version"], 16))


@pytest.mark.parametrize("capture", having("tls"), ids=lambda capture: capture.name)
def test_versions_are_those_that_tshark_lists(capture: Capture) -> None:
    wanted = {int(truth["frame"]): offered(truth) for truth in capture.truth("tls")}
    for hello in build.hellos(decode(capture.name)[0]):
        if not hello.quic and hello.packet.number in wanted:
            assert hello.version == wanted[hello.packet.number]


@pytest.mark.parametrize("capture", having("peer"), ids=lambda capture: capture.name)
def test_fingerprints_are_those_of_their_authors(capture: Capture) -> None:
    """FoxIO's own two programs and Arkime; nDPI and Suricata differ from them in the ALPN and address rules."""
    found: dict[tuple[str, str], set[str]] = {}
    for hello in build.hellos(decode(capture.name)[0]):
        ends = (text(hello.packet.source), str(hello.packet.source_port))
        found.setdefault(ends, set()).add(hello.ja4)
    for peer in capture.truth("peer"):
        if peer["oracle"] in ("ja4py", "ja4rs", "arkime"):
            for ja4 in re.findall(r"[tq]\d\d[di]\d{4}.._[0-9a-f]{12}_[0-9a-f]{12}", peer["extra"]):
                assert ja4 in found[peer["src"], peer["sport"]] | JA4_EXPLAINED


def payloads() -> list[dict[str, str]]:
    file = corpus.CORPUS / "payloads" / "truth.tsv"
    return corpus.read_rows(file) if file.exists() else []


def observe(payload: dict[str, str], quic: QuicConnections, streams: Streams) -> list[Observation]:
    data = (corpus.CORPUS / "payloads" / payload["file"]).read_bytes()
    seen: list[Observation] = []
    if payload["l4"] == "tcp":
        streams.segment(build.packet(flags=TCP_ACK), data, 0, len(data), 1, 1, seen)
    else:
        quic.datagram(build.datagram(), data, 0, len(data), seen)
    return seen


@pytest.mark.parametrize("payload", payloads(), ids=lambda payload: payload["file"])
def test_payloads_have_the_name_of_their_file(payload: dict[str, str]) -> None:
    """The names of the files are those of sites, the payloads may be of a host in them. DTLS is not read."""
    file, label = payload["file"], payload["label_from_author_filename"]
    errors = ErrorCounts()
    quic, streams = QuicConnections(Limits(), errors), Streams(Limits(), errors)
    seen = observe(payload, quic, streams)
    if file.endswith("kyber_1.bin"):
        assert seen == []
        second = next(other for other in payloads() if other["file"] == file.replace("_1.bin", "_2.bin"))
        seen = observe(second, quic, streams)
    if label and not file.startswith("dtls") and not file.endswith("kyber_2.bin"):
        [name] = build.names(seen)
        assert name.endswith(label.encode())
    else:
        assert build.hellos(seen) == []
    assert [host.host for host in seen if isinstance(host, HttpRequest)] == (
        [b"www.iana.org"] if "http" in file else []
    )
    assert errors.counts == {}
