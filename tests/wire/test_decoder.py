"""The whole descent: what is reported, in which order, and that nothing breaks it."""

import struct

import pytest
from frames import ETHER, ETHERNET, NOW, QUERY, RAW, Watch, observe, of
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import GRE, Dot1Q
from scapy.packet import Raw

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import DnsMessage, Frame, HttpRequest, Observation, Packet
from monitor.wire.decoder import Decoder

ASKS = IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=4000, dport=53) / Raw(QUERY)


def segment(sequence: int, flags: str, content: bytes = b"", port: int = 80) -> bytes:
    tcp = TCP(sport=4000, dport=port, seq=sequence, ack=9, flags=flags)
    return bytes(ETHER / IP(src="192.0.2.1", dst="198.51.100.2") / tcp / Raw(content))


def test_a_packet_comes_before_what_it_shows() -> None:
    seen = observe(bytes(ETHER / ASKS))
    assert [type(one) for one in seen] == [Packet, DnsMessage]
    assert of(DnsMessage, seen)[0].packet is seen[0]


def test_without_counting_only_what_packets_show_comes_out() -> None:
    decoder = Decoder(Limits(), ErrorCounts(), False)
    out: list[Observation] = []
    data = bytes(ETHER / Dot1Q(vlan=5) / ASKS)
    decoder.decode(Frame(data, NOW, ETHERNET, 3, len(data), 17, 0), out)
    (message,) = out
    assert isinstance(message, DnsMessage)
    packet = message.packet
    assert (packet.time, packet.interface, packet.number, packet.vlan) == (NOW, 3, 17, 5)


def test_a_tag_that_the_kernel_stripped_comes_before_those_in_the_frame() -> None:
    decoder = Decoder(Limits(), ErrorCounts(), True)
    out: list[Observation] = []
    data = bytes(ETHER / Dot1Q(vlan=5) / ASKS)
    decoder.decode(Frame(data, NOW, ETHERNET, 0, len(data), 1, 9), out)
    assert of(Packet, out)[0].vlan == 9 << 12 | 5


def test_packets_inside_tunnels_on_demand() -> None:
    data = bytes(IP() / GRE() / IP() / GRE() / ASKS)
    assert [one.depth for one in of(Packet, Watch(depth=0).see(data, RAW))] == [0]
    inner = of(Packet, Watch(depth=3).see(data, RAW))
    assert [(one.depth, one.length) for one in inner] == [(0, len(data)), (1, len(data)), (2, len(data))]


def test_streams_get_the_handshake_and_the_payload() -> None:
    watch = Watch()
    watch.see(segment(99, "S"))
    assert of(HttpRequest, watch.see(segment(100, "PA", b"GET / HTTP/1.1\r\nHost: tik"))) == []
    seen = watch.see(segment(125, "PA", b"tok.com\r\n\r\n"))
    assert [type(one) for one in seen] == [Packet, HttpRequest]
    assert of(HttpRequest, seen)[0].host == b"tiktok.com"


def test_dns_over_tcp_in_two_segments() -> None:
    watch = Watch()
    content = struct.pack(">H", len(QUERY)) + QUERY
    watch.see(segment(99, "S", port=53))
    assert of(DnsMessage, watch.see(segment(100, "PA", content[:9], port=53))) == []
    (message,) = of(DnsMessage, watch.see(segment(109, "PA", content[9:], port=53)))
    assert (message.name, message.tcp) == (b"www.tiktok.com", True)


@pytest.mark.parametrize("offset", [0, 4])
def test_a_tcp_header_that_makes_no_sense_is_still_a_packet(offset: int) -> None:
    data = bytearray(segment(1, "S"))
    data[14 + 20 + 12] = offset << 4
    watch = Watch()
    assert len(of(Packet, watch.see(bytes(data)))) == 1
    assert watch.errors.counts == {("tcp", "malformed"): 1}


def test_every_table_is_named_with_its_evictions() -> None:
    decoder = Decoder(Limits(), ErrorCounts(), True)
    assert set(decoder.table_sizes()) >= {"fragments", "streams", "quic_connections"}
    assert set(decoder.evictions) == set(decoder.table_sizes())


def test_expiry_empties_the_tables() -> None:
    watch = Watch()
    watch.see(segment(99, "S"))
    watch.see(segment(100, "PA", b"GET / HT"))
    watch.see(bytes(IP(flags="MF") / Raw(bytes(64))), RAW)
    assert watch.decoder.table_sizes()["streams"] == 1
    assert watch.decoder.table_sizes()["fragments"] == 1
    watch.decoder.expire(NOW + 1_000)
    assert set(watch.decoder.table_sizes().values()) == {0}


@given(st.binary(max_size=200), st.integers(0, 70_000), st.integers(0, 65_535))
def test_any_frame_is_observations_or_counted_errors(data: bytes, more: int, link: int) -> None:
    watch = Watch()
    for one in watch.see(data, link, length=len(data) + more):
        if isinstance(one, Packet):
            assert one.depth == 0
            assert one.payload <= one.length
            assert len(one.key) in (13, 37)
            assert len(one.ethernet) in (0, 12)


@given(st.binary(max_size=300), st.integers(0, 65_535), st.integers(0, 65_535), st.sampled_from([6, 17]))
def test_any_payload_on_any_port_never_raises(content: bytes, source: int, destination: int, protocol: int) -> None:
    head = struct.pack(">HHHH", source, destination, 8 + len(content), 0)
    if protocol == 6:
        head = struct.pack(">HHIIBBHHH", source, destination, 1, 2, 0x50, 0x18, 100, 0, 0)
    observe(bytes(IP(proto=protocol) / Raw(head + content)), RAW)


def test_smaller_limits_hold_after_a_reload_and_keep_what_waits() -> None:
    watch = Watch()

    def begin(port: int) -> None:
        tcp = TCP(sport=port, dport=80, seq=1, ack=9, flags="A") / Raw(b"GET / HT")
        watch.see(bytes(ETHER / IP(src="192.0.2.1", dst="198.51.100.2") / tcp))
        piece = IP(src="192.0.2.1", dst="198.51.100.2", id=port, flags="MF") / UDP(sport=port, dport=9) / Raw(bytes(8))
        watch.see(bytes(ETHER / piece))

    for port in range(1000, 1040):
        begin(port)
    sizes = watch.decoder.table_sizes()
    assert min(sizes["streams"], sizes["fragments"]) == 40
    watch.decoder.resize(Limits(streams=5, fragments=6))
    begin(2000)
    sizes = watch.decoder.table_sizes()
    assert (sizes["streams"], sizes["fragments"]) == (5, 6)
    rest = segment(9, "A", b"TP/1.1\r\nHost: a.example\r\n\r\n").replace(
        (4000).to_bytes(2, "big"), (1039).to_bytes(2, "big"), 1
    )
    assert [one.host for one in of(HttpRequest, watch.see(rest))] == [b"a.example"]
