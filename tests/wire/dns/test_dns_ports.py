"""What a payload on port 53 or 5353 is: a DNS message by its shape, or traffic that uses the port of DNS."""

import random
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import client_hellos as build
import dns.flags
import dns.message
import dns.rrset
import pytest
from dnslib import QTYPE, DNSHeader, DNSQuestion, DNSRecord
from frames import ETHER, Watch, of
from hypothesis import given, settings
from hypothesis import strategies as st
from quic_packets import crypto, initial
from replayed import Replayed, owner
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from scapy.utils import wrpcap

from monitor.model import ClientHello, DnsMessage, Tunnel
from monitor.wire.tcp.stream import HOLE_PIECES

PORTS = (53, 5353)
seeds = st.integers(0, 1 << 62)
FIRST_KEY = struct.pack("!I", 1)


def numbered(first: bytes, content: int, padded: int = 1) -> st.SearchStrategy[bytes]:
    """A data packet of a tunnel: a fixed beginning, a counter and ciphertext."""
    tail = st.integers(1, content // padded).map(lambda size: size * padded)
    return st.tuples(st.integers(0, 1 << 33), tail, seeds).map(
        lambda drawn: first + drawn[0].to_bytes(8, "little") + random.Random(drawn[2]).randbytes(drawn[1])
    )


def wireguard_data() -> st.SearchStrategy[bytes]:
    """Type 4, the receiver's index, a counter, and ciphertext in multiples of 16 octets."""
    return st.binary(min_size=4, max_size=4).flatmap(lambda index: numbered(b"\4\0\0\0" + index, 1280, 16))


def openvpn_data() -> st.SearchStrategy[bytes]:
    """P_DATA_V2: opcode and key, the peer's number, a packet number, a tag and ciphertext."""
    peer = st.integers(0, 1 << 24).map(lambda number: number.to_bytes(3, "big") if number < 1 << 24 else b"\0\0\1")
    number = st.integers(1, 1 << 20).map(lambda number: struct.pack("!I", number))
    return st.tuples(st.sampled_from([b"\x48", b"\x49"]), peer, number, noise()).map(b"".join)


def short_header() -> st.SearchStrategy[bytes]:
    """A QUIC packet behind the handshake (RFC 9000 section 17.3)."""
    return st.tuples(st.integers(0x40, 0x7F).map(lambda first: bytes((first,))), noise()).map(b"".join)


def noise() -> st.SearchStrategy[bytes]:
    return st.tuples(st.integers(24, 1400), seeds).map(lambda drawn: random.Random(drawn[1]).randbytes(drawn[0]))


def openvpn_reset() -> st.SearchStrategy[bytes]:
    """A client's first packet as `--tls-auth` with several digests, or `--tls-crypt`, makes it."""
    session, stamp = st.binary(min_size=8, max_size=8), st.binary(min_size=4, max_size=4)
    digest = st.sampled_from([0, 16, 20, 32, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
    rest = st.binary(min_size=37, max_size=60)
    return st.tuples(session, digest, stamp, rest).map(
        lambda drawn: b"\x38" + drawn[0] + drawn[1] + FIRST_KEY + drawn[2] + drawn[3]
    )


OTHERS = [wireguard_data(), openvpn_data(), short_header(), noise(), openvpn_reset(), st.integers(13, 900).map(bytes)]
NAMES = {0: "wireguard", 1: "openvpn", 2: "quic", 3: "noise", 4: "openvpn reset", 5: "zeros"}


def frame(payload: bytes, port: int, answer: bool = False, version: int = 4) -> bytes:
    ends = ("192.168.1.10", "203.0.113.5") if version == 4 else ("fd00::10", "2001:db8::5")
    source, destination = reversed(ends) if answer else ends
    head = IP(src=source, dst=destination) if version == 4 else IPv6(src=source, dst=destination)
    ports = (port, 50_123) if answer else (50_123, port)
    return bytes(ETHER / head / UDP(sport=ports[0], dport=ports[1]) / Raw(payload))


@pytest.mark.parametrize("kind", NAMES, ids=NAMES.values())
@given(data=st.data(), port=st.sampled_from(PORTS), version=st.sampled_from((4, 6)))
@settings(max_examples=40)
def test_a_tunnel_that_is_met_in_its_middle_is_no_dns(kind: int, data: st.DataObject, port: int, version: int) -> None:
    watch = Watch()
    for _ in range(6):
        payload = data.draw(OTHERS[kind])
        seen = watch.see(frame(payload, port, data.draw(st.booleans()), version))
        assert of(DnsMessage, seen) == []


@pytest.mark.parametrize("port", PORTS)
@given(opened=openvpn_reset(), follows=st.lists(openvpn_data(), min_size=1, max_size=4))
@settings(max_examples=30)
def test_an_openvpn_reset_with_authentication_opens_a_vpn(port: int, opened: bytes, follows: list[bytes]) -> None:
    watch = Watch()
    seen = [one for payload in [opened, *follows] for one in watch.see(frame(payload, port))]
    assert [one.method for one in of(Tunnel, seen)] == ["vpn"]
    assert of(DnsMessage, seen) == []


TYPES = ("A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "SRV", "ANY", "TYPE65280")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-"


def message(chance: random.Random, response: bool, kinds: Sequence[str] = TYPES) -> tuple[bytes, str]:
    """A message as dnspython or dnslib writes it, and the name that it is about."""
    name = ".".join("".join(chance.choices(LETTERS, k=chance.randint(1, 20))) for _ in range(chance.randint(1, 5)))
    kind = chance.choice(kinds)
    number = chance.randrange(65_536)
    if not response and chance.random() < 0.5:
        plain = DNSRecord(DNSHeader(id=number, rd=chance.randrange(2)))
        plain.add_question(DNSQuestion(name, QTYPE.reverse.get(kind, QTYPE.A)))
        return bytes(plain.pack()), name
    asks = dns.message.make_query(name, kind, use_edns=chance.choice([None, 0]), id=number)
    asks.flags ^= chance.choice([0, dns.flags.RD, dns.flags.AD, dns.flags.CD])
    if not response:
        return asks.to_wire(), name
    answers = dns.message.make_response(asks)
    answers.set_rcode(chance.choice([0, 2, 3, 5]))
    for last in range(chance.randint(0, 3)):
        answers.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "A", f"198.51.100.{last}"))
    return answers.to_wire(), name


@given(seed=seeds, response=st.booleans(), port=st.sampled_from(PORTS), version=st.sampled_from((4, 6)))
@settings(max_examples=60)
def test_a_message_is_one_on_either_port(seed: int, response: bool, port: int, version: int) -> None:
    wire, name = message(random.Random(seed), response)
    (seen,) = of(DnsMessage, Watch().see(frame(wire, port, response, version)))
    assert seen.name.decode() == name


@given(opened=st.sampled_from([b"\1\0\0\0" + bytes(range(144)), initial(crypto(build.hello_for(b"a.example")))]))
@settings(max_examples=4)
def test_a_handshake_before_them_hides_no_questions(opened: bytes) -> None:
    """A resolver throws the handshake away and answers what follows."""
    watch = Watch()
    watch.see(frame(opened, 53))
    asks = dns.message.make_query("www.tiktok.com", "A").to_wire()
    assert [one.name for one in of(DnsMessage, watch.see(frame(asks, 53)))] == [b"www.tiktok.com"]


@pytest.mark.parametrize("port", PORTS)
def test_a_quic_hello_is_read_and_what_follows_is_no_dns(port: int) -> None:
    watch = Watch()
    seen = watch.see(frame(initial(crypto(build.hello_for(b"www.tiktok.com"))), port))
    seen += watch.see(frame(b"\x45" + bytes(80), port, answer=True))
    assert [one.sni for one in of(ClientHello, seen)] == [b"www.tiktok.com"]
    assert of(DnsMessage, seen) == []


@pytest.mark.parametrize(
    ("wire", "fits"),
    [
        ("6ae4 0120 0000 0000 0000 0000", True),  # a header alone, as an error or an empty request
        ("6ae4 8181 0000 0000 0000 0000", True),
        ("0000 0000 0000 0000 0000 0000", False),
        ("6ae4 0004 0001 0000 0000 0000 01 61 00 0001 0001", True),  # a request with an rcode
        ("6ae4 0004 0001 0000 0000 0000 01 61 00 0001 0001 00", False),
        ("6ae4 0100 0000 0000 0000 0001 00 0029 04d0 00000000 000c 000a 0008 0011223344556677", True),  # a cookie
    ],
)
def test_unusual_messages_count_where_they_fit(wire: str, fits: bool) -> None:
    assert bool(of(DnsMessage, Watch().see(frame(bytes.fromhex(wire), 53)))) == fits


@given(seeds, st.sampled_from((53, 5300, 853)), st.booleans())
@settings(max_examples=60)
def test_any_split_over_tcp_gives_every_message(seed: int, port: int, response: bool) -> None:
    """RFC 7766 section 8: the length may come alone. Off port 53 the first message decides."""
    chance = random.Random(seed)
    kinds = TYPES if port == 53 else TYPES[:-1]
    wires, names = zip(*(message(chance, response, kinds) for _ in range(chance.randint(1, 6))), strict=True)
    stream = b"".join(struct.pack("!H", len(wire)) + wire for wire in wires)
    marks = sorted({0, len(stream), *(chance.randrange(1, len(stream)) for _ in range(chance.choice((0, 1, 4, 20))))})
    watch = Watch()
    head = IP(src="192.168.1.10", dst="203.0.113.5")
    ends = (port, 50_123) if response else (50_123, port)
    watch.see(bytes(ETHER / head / TCP(sport=ends[0], dport=ends[1], flags="SA" if response else "S", seq=999)))
    seen = []
    pieces = list(pairwise(marks))
    if port == 53 and len(pieces) < HOLE_PIECES:
        chance.shuffle(pieces)
    for start, end in pieces:
        segment = TCP(sport=ends[0], dport=ends[1], flags="PA", seq=1000 + start, ack=1) / Raw(stream[start:end])
        seen += [one.name.decode() for one in of(DnsMessage, watch.see(bytes(ETHER / head / segment)))]
    assert seen == list(names)


@given(seeds)
@settings(max_examples=10)
def test_the_beginning_of_a_long_answer_may_come_last(seed: int) -> None:
    chance = random.Random(seed)
    tells, name = dns.message.make_response(dns.message.make_query("www.tiktok.com", "TXT")), "www.tiktok.com"
    for turn in range(chance.randint(1, 250)):
        tells.answer.append(dns.rrset.from_text(f"{turn}.example.", 60, "IN", "TXT", "x" * 240))
    wire = tells.to_wire()
    stream = struct.pack("!H", len(wire)) + wire
    marks = sorted({0, len(stream), *(chance.randrange(1, len(stream)) for _ in range(4))})
    head = IP(src="203.0.113.5", dst="192.168.1.10")
    watch, seen = Watch(), []
    watch.see(bytes(ETHER / head / TCP(sport=53, dport=50_123, flags="SA", seq=999)))
    for start, end in reversed(list(pairwise(marks))):
        segment = TCP(sport=53, dport=50_123, flags="PA", seq=1000 + start, ack=1) / Raw(stream[start:end])
        seen += of(DnsMessage, watch.see(bytes(ETHER / head / segment)))
    assert [(one.name.decode(), len(one.answers)) for one in seen] == [(name, len(tells.answer))]


@pytest.mark.parametrize(
    ("protocol", "reason"), [("wireguard", "vpn"), ("noise", "undecodable"), ("tcp", "undecodable")]
)
def test_its_bytes_are_blind(protocol: str, reason: str, tmp_path: Path) -> None:
    chance = random.Random(5)
    head = IP(src="192.168.1.10", dst="203.0.113.5")
    packets = []
    for turn in range(8):
        if protocol == "tcp":
            segment = TCP(sport=50_123, dport=53, flags="PA", seq=1 + 200 * turn, ack=1)
            packets.append(ETHER / head / segment / Raw(b"\0\xc6\x48" + chance.randbytes(197)))
            continue
        payload = (
            b"\4\0\0\0" + chance.randbytes(92) if protocol == "wireguard" else b"\x48\0\0\1" + chance.randbytes(92)
        )
        packets.append(ETHER / head / UDP(sport=50_123, dport=53) / Raw(payload))
    wrpcap(str(tmp_path / "one.pcap"), packets)
    seen = Replayed(tmp_path / "one.pcap", tmp_path)
    (flow,) = seen.of("flow")
    assert owner(flow) == ("unknown", "none")
    assert seen.blind() == {reason: float(sum(len(packet) - 14 for packet in packets))}
    assert seen.of("dns") == []
