"""IPv4, IPv6 and what stands between them and the transport: lengths, extensions, cut headers."""

import struct

import pytest
from frames import ETHER, QUERY, RAW, Watch, observe, of, packet
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Jumbo,
    PadN,
    RouterAlert,
)
from scapy.layers.ipsec import AH
from scapy.layers.sctp import SCTP
from scapy.packet import Packet as Layer
from scapy.packet import Raw

from monitor.model import TCP_ACK, TCP_SYN, DnsMessage, Packet

V4 = IP(src="192.0.2.1", dst="198.51.100.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
ASKS = UDP(sport=4000, dport=53) / Raw(QUERY)

CHAINS = {
    "options": V4.copy() / ASKS,
    "router alert": IP(src="192.0.2.1", dst="198.51.100.2", options=[IPOption_Router_Alert()]) / ASKS,
    "authentication": V4 / AH(nh=17, payloadlen=4, icv=bytes(12)) / ASKS,
    "hop by hop": V6 / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ASKS,
    "routing": V6 / IPv6ExtHdrRouting(addresses=["2001:db8::9"]) / ASKS,
    "destination options": V6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(30))]) / ASKS,
    "several": V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt() / ASKS,
    "atomic fragment": V6 / IPv6ExtHdrFragment(nh=17, id=9) / ASKS,
    "authentication, IPv6": V6 / AH(nh=17, payloadlen=4, icv=bytes(12)) / ASKS,
}


@pytest.mark.parametrize("name", CHAINS)
def test_options_and_extensions_are_stepped_over(name: str) -> None:
    data = bytes(CHAINS[name])
    watch = Watch()
    seen = watch.see(data, RAW)
    (one,) = of(Packet, seen)
    assert [message.name for message in of(DnsMessage, seen)] == [b"www.tiktok.com"]
    assert one.length == len(data)
    assert (one.source_port, one.destination_port, one.protocol, one.payload) == (4000, 53, 17, len(QUERY))
    assert watch.errors.counts == {}


def test_padding_of_the_link_is_not_of_the_packet() -> None:
    short = packet(bytes(ETHER / V4 / UDP(sport=1, dport=2)) + bytes(18))
    assert (short.length, short.payload) == (28, 0)
    empty = packet(bytes(ETHER / V6) + bytes(6))
    assert (empty.length, empty.protocol) == (40, 59)


def test_a_snapped_frame_keeps_the_length_of_the_wire() -> None:
    whole = bytes(ETHER / V4 / TCP(sport=1, dport=443, flags="A") / Raw(bytes(1400)))
    cut = packet(whole[:60], length=len(whole))
    assert (cut.length, cut.payload, cut.flags) == (1440, 1400, TCP_ACK)


@pytest.mark.parametrize("body", [1400, 60_000, 200_000])
def test_a_length_of_zero_means_to_the_end_of_the_frame(body: int) -> None:
    v4 = bytearray(bytes(V4 / TCP(flags="A") / Raw(b"x")) + bytes(body - 1))
    v4[2:4] = b"\0\0"
    assert (packet(bytes(v4), RAW).length, packet(bytes(v4), RAW).payload) == (40 + body, body)
    v6 = bytearray(bytes(V6 / TCP(flags="A") / Raw(b"x")) + bytes(body - 1))
    v6[4:6] = b"\0\0"
    assert (packet(bytes(v6), RAW).length, packet(bytes(v6), RAW).payload) == (60 + body, body)


def test_a_jumbo_packet_tells_its_length_in_an_option() -> None:
    body = bytes(TCP(flags="A")) + bytes(70_000)
    head = bytes(IPv6(plen=0, nh=0) / IPv6ExtHdrHopByHop(nh=6, options=[Jumbo(jumboplen=8 + len(body))]))
    one = packet(head + body, RAW)
    assert (one.length, one.payload) == (48 + len(body), 70_000)


def test_checksums_are_never_looked_at() -> None:
    wrong = bytes(IP(src="192.0.2.1", dst="198.51.100.2", chksum=1) / UDP(sport=4000, dport=53, chksum=1) / Raw(QUERY))
    assert len(of(DnsMessage, observe(wrong, RAW))) == 1


@pytest.mark.parametrize(
    ("damage", "count"),
    [
        (lambda v4: v4[:19], ("ipv4", "too_short")),
        (lambda v4: b"\x44" + v4[1:], ("ipv4", "malformed")),
        (lambda v4: v4[:2] + b"\0\x13" + v4[4:], ("ipv4", "malformed")),
        (lambda v4: v4[:24], ("udp", "too_short")),
        (lambda v4: v4[:24] + b"\0\7" + v4[26:], ("udp", "malformed")),
    ],
)
def test_headers_that_make_no_sense_are_counted(damage: object, count: tuple[str, str]) -> None:
    watch = Watch()
    data = bytes(ETHER)[:12] + b"\x08\x00" + damage(bytes(V4 / ASKS))  # type: ignore[operator]
    watch.see(data)
    assert watch.errors.counts == {count: 1}


def test_an_endless_chain_of_extensions_is_given_up() -> None:
    chain = bytes(IPv6(nh=60, plen=8 * 2000)) + (b"\x3c" + bytes(7)) * 2000
    watch = Watch()
    (one,) = of(Packet, watch.see(chain, RAW))
    assert one.length == 40 + 16_000
    assert watch.errors.counts == {("ipv6", "malformed"): 1}


def test_what_an_icmp_error_quotes_is_not_looked_into() -> None:
    seen = observe(bytes(V4 / ICMP(type=3, code=3) / V4 / ASKS), RAW)
    assert [type(one) for one in seen] == [Packet]
    assert of(Packet, seen)[0].key == bytes([192, 0, 2, 1, 198, 51, 100, 2, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("layer", [V4, V6])
def test_ports_flags_and_keys(layer: Layer) -> None:
    syn = packet(bytes(layer / TCP(sport=4000, dport=443, flags="S")), RAW)
    assert (syn.flags, syn.payload, syn.source_port, syn.destination_port) == (TCP_SYN, 0, 4000, 443)
    assert syn.key[-5:] == struct.pack(">HHB", 4000, 443, 6)
    stream = packet(bytes(layer / SCTP(sport=7, dport=8)), RAW)
    assert (stream.protocol, stream.source_port, stream.destination_port) == (132, 7, 8)


@given(st.binary(max_size=150), st.sampled_from([b"\x45", b"\x4f", b"\x60", b""]))
def test_any_bytes_of_ip_never_raise(data: bytes, first: bytes) -> None:
    observe(first + data, RAW)


@given(st.sampled_from(sorted(CHAINS)), st.integers(0, 120), st.binary(min_size=1, max_size=8))
def test_any_damage_never_raises(name: str, at: int, damage: bytes) -> None:
    data = bytes(CHAINS[name])
    observe(data[:at] + damage + data[at + len(damage) :], RAW)
