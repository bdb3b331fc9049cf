"""One small capture for each behaviour that once gave a wrong name, device, direction or byte count.

Each capture was crafted for its case; the right value is known from an RFC, from a real server on loopback or by
construction, as the comment beside it states.
"""

from pathlib import Path

import pytest
from replayed import VECTORS, Event, Replayed, owner, owners, sizes

BYTEDANCE_SNI = ("bytedance", "sni")
TIKTOK = "www.tiktok.com"


@pytest.fixture
def replay(tmp_path: Path) -> "Replay":
    return Replay(tmp_path)


class Replay:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Replayed:
        return Replayed(VECTORS / f"{name}.pcap", self._folder)


def only(events: list[Event]) -> Event:
    assert len(events) == 1, events
    return events[0]


@pytest.mark.parametrize(
    ("name", "remote"), [("01-ech-grease-other-name", "198.51.100.61"), ("01-ech-grease-unlisted-dns", "198.51.100.65")]
)
def test_the_name_beside_a_grease_ech_extension_goes_before_dns(replay: Replay, name: str, remote: str) -> None:
    """RFC 9849 section 6.2: a GREASE extension goes with the true server_name."""
    seen = replay(name)
    assert owner(only(seen.flows(remote))) == BYTEDANCE_SNI
    assert seen.blind() == {}


def test_a_grease_ech_extension_lets_no_older_answer_accuse_another_site(replay: Replay) -> None:
    flow = only(replay("01-ech-grease-false-accusation").flows("198.51.100.68"))
    assert owner(flow) == ("unknown", "none")


@pytest.mark.parametrize(
    "name",
    [
        "02-fake-no-ack-flag",  # RFC 9293 section 3.10.7.4: no ACK bit, drop
        "02-fake-md5-option",  # RFC 2385: no key, drop
        "02-fake-ack-out-of-window",  # RFC 5961 section 5.2
        "03-syn-data-ignored",  # RFC 7413 section 4.2.2: the SYN-ACK acknowledges the SYN alone
        "11-syn-in-mid-stream",  # RFC 5961 section 4.2: challenge ACK
        "16-second-half-first-no-syn",
        "15-hello-in-two-parts-34s-apart",
    ],
)
def test_the_hello_that_the_server_reads_is_the_one_that_counts(replay: Replay, name: str) -> None:
    seen = replay(name)
    assert seen.names() == [TIKTOK]
    assert owner(only(seen.flows("203.0.113.5"))) == BYTEDANCE_SNI


@pytest.mark.parametrize("name", ["02-fake-bad-checksum", "02-fake-low-ttl"])
def test_two_hellos_for_one_sequence_number_are_both_reported(replay: Replay, name: str) -> None:
    """Checksums are left to offloads and the distance is unknown: nothing decides which one arrived."""
    seen = replay(name)
    assert set(seen.names()) == {"www.iana.org", TIKTOK}
    assert owner(only(seen.flows("203.0.113.5"))) == BYTEDANCE_SNI
    assert [event["tls"].get("decoy") for event in seen.of("tls")].count(True) >= 1


@pytest.mark.parametrize(
    "name",
    [
        "04-urgent-byte-in-record-header",  # OpenSSL 3.0 answers: the urgent byte is not in the stream
        "04-urgent-byte-in-name",
        "05-record-version-0305",  # RFC 8446 section 5.1: legacy_record_version is ignored
        "05-legacy-version-ffff",  # RFC 8446 section 4.2.1: with supported_versions legacy_version is not used
        "05-hello-20k",  # OpenSSL takes up to 60 KB of an unknown extension
    ],
)
def test_a_hello_that_servers_accept_is_read(replay: Replay, name: str) -> None:
    seen = replay(name)
    assert seen.names() == [TIKTOK]
    assert owner(only(seen.flows("203.0.113.5"))) == BYTEDANCE_SNI
    assert dict(seen.counts.counts) == {}


@pytest.mark.parametrize("name", ["06-ja4-plain", "06-ja4-grease-sigalg-a"])
def test_grease_counts_nowhere_in_a_ja4(replay: Replay, name: str) -> None:
    """JA4.md: GREASE is ignored anywhere, signature algorithms included."""
    assert only(replay(name).of("tls"))["tls"]["ja4"] == "t13d0306h2_40b44b994229_e12c865f31a5"


@pytest.mark.parametrize(
    "name",
    [
        "07-http-two-spaces",  # nginx serves it
        "07-http-crlf-first",  # RFC 9112 section 2.2
        "07-http-host-behind-20k",  # nginx with its default of four buffers of 8 KiB
        "08-http-post-9k-one-frame",
        "23-http-behind-socks5",
    ],
)
def test_a_request_that_servers_accept_is_read(replay: Replay, name: str) -> None:
    seen = replay(name)
    assert owner(only(seen.flows("203.0.113.5"))) == ("bytedance", "http")
    assert seen.blind() == {}


def test_every_message_of_a_large_frame_is_read(replay: Replay) -> None:
    seen = replay("08-dns-tcp-45k-one-frame")
    kinds = [event["dns"]["type"] for event in seen.of("dns")]
    assert (kinds.count("query"), kinds.count("answer")) == (1, 900)


def test_fragments_belong_to_the_flow_of_the_first_one(replay: Replay) -> None:
    flow = only(replay("09-fragments-udp").of("flow"))
    assert (flow["src_ip"], flow["dest_ip"], flow["dest_port"]) == ("192.168.1.10", "203.0.113.5", 443)
    assert sizes(flow) == (1228, 9204)
    assert owner(flow)[0] == "bytedance"


def test_wireguard_on_port_53_is_no_dns(replay: Replay) -> None:
    seen = replay("10-wireguard-port-53")
    assert seen.of("dns") == []
    assert seen.blind() == {"vpn": 25176.0}


def test_quic_on_port_53_is_no_dns(replay: Replay) -> None:
    seen = replay("10-quic-port-53")
    assert seen.of("dns") == []
    assert only(seen.of("quic"))["quic"]["sni"] == TIKTOK


def test_a_later_request_names_the_bytes_from_there_on(replay: Replay) -> None:
    seen = replay("12-second-request-other-host")
    rows = {(row.vendor, row.evidence): row.bytes_down for row in seen.rows}
    assert rows["bytedance", "http"] >= 3000
    assert sum(rows.values()) == 3288


def test_mirrored_traffic_counts_for_the_flow_inside_once(replay: Replay) -> None:
    seen = replay("13-vxlan-mirror")
    rows = [(row.vendor, row.evidence, row.bytes_up + row.bytes_down) for row in seen.rows]
    assert rows == [("bytedance", "sni", 565), ("unknown", "none", 915 - 565)]


@pytest.mark.parametrize("name", ["14-quic-bit-greased", "14-quic-70-pings-first"])
def test_a_quic_hello_that_servers_accept_is_read(replay: Replay, name: str) -> None:
    """RFC 9287 section 3.1: the fixed bit may be cleared; RFC 9000 section 17.2.2: any number of Initial packets."""
    seen = replay(name)
    assert only(seen.of("quic"))["quic"]["sni"] == TIKTOK
    assert seen.blind() == {}


def test_ports_that_are_used_again_are_another_flow(replay: Replay) -> None:
    seen = replay("17-ports-used-again")
    assert [sizes(flow) for flow in seen.of("flow")] == [(320, 163), (362, 203)]
    assert owners(seen.of("flow")) == [("unknown", "none"), BYTEDANCE_SNI]


def test_dns_over_tcp_may_send_its_length_alone(replay: Replay) -> None:
    assert len(replay("18-dns-tcp-5300-length-alone").of("dns")) == 2


def test_additional_records_are_learned(replay: Replay) -> None:
    """RFC 2782 and RFC 9460 section 4.2: the address of a service's host comes in the additional section."""
    assert owner(only(replay("19-additional-records").flows("198.51.100.54"))) == ("bytedance", "dns")


def test_one_tuple_on_two_vlans_is_two_flows(replay: Replay) -> None:
    seen = replay("20-same-tuple-on-two-vlans")
    assert [sizes(flow) for flow in seen.of("flow")] == [(362, 203), (362, 203)]
    assert seen.names() == [TIKTOK, TIKTOK]


@pytest.mark.parametrize(
    ("name", "remote"),
    [("21-direction-udp-client-port-20000", "198.51.100.73"), ("21-direction-udp-server-first", "198.51.100.70")],
)
def test_the_device_that_asked_for_the_address_is_the_client(replay: Replay, name: str, remote: str) -> None:
    flow = only(replay(name).flows(remote))
    assert (flow["src_ip"], flow["dest_ip"], flow["dest_port"]) == ("192.168.1.10", remote, 40001)
    assert sizes(flow) == (384, 5140)
    assert owner(flow) == ("bytedance", "dns")


def test_the_response_of_a_vpn_turns_no_flow_round(replay: Replay) -> None:
    flow = only([flow for flow in replay("22-vpn-responder-wireguard").of("flow") if flow["dest_port"] == 51820])
    assert (flow["src_ip"], flow["src_port"], flow["dest_port"]) == ("192.168.1.10", 51820, 51820)
    assert sizes(flow) == (12616, 12560)


def test_a_reset_outside_the_window_ends_nothing(replay: Replay) -> None:
    """RFC 5961 section 3.2."""
    flow = only(replay("24-forged-reset-then-a-pause").flows("203.0.113.5"))
    assert sizes(flow) == (439, 4304)
    assert owner(flow) == BYTEDANCE_SNI


def test_a_name_is_kept_as_long_as_its_connection_lives(replay: Replay) -> None:
    flows = replay("25-connection-silent-for-an-hour").flows("203.0.113.5")
    assert [sum(column) for column in zip(*map(sizes, flows), strict=True)] == [399, 4304]
    assert set(owners(flows)) == {BYTEDANCE_SNI}
