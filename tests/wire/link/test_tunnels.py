"""What tunnels carry, to three levels: names inside come out, bytes count once."""

import random
import struct

import pytest
from frames import ETHER, QUERY, RAW, Watch, observe, of
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.contrib.erspan import ERSPAN_II
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, GRE_PPTP, LLC, SNAP, Dot1Q, Ether
from scapy.layers.l2tp import L2TP
from scapy.layers.ppp import HDLC, PPP
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet as Layer
from scapy.packet import Raw

from monitor.model import DnsMessage, Observation, Packet
from monitor.wire.build.packets import udp_packet

OUT4 = IP(src="192.0.2.1", dst="198.51.100.2")
OUT6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
IN4 = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000, dport=53) / Raw(QUERY)
IN6 = IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=4000, dport=53) / Raw(QUERY)
INNER = Ether(dst="02:00:00:00:00:0b", src="02:00:00:00:00:0a")
V4 = bytes(IN4)
V6 = bytes(IN6)
ORIGIN = bytes.fromhex("0000123401020304")
ROUTES = bytes.fromhex("080000040102030400000000")


def udp(port: int, content: bytes) -> Layer:
    return OUT4 / UDP(sport=50_000, dport=port) / Raw(content)


TUNNELS = {
    "4in4": OUT4 / IN4,
    "6in4": OUT4 / IN6,
    "4in6": OUT6 / IN4,
    "6in6": OUT6 / IN6,
    "IPIP with its old number": IP(src="192.0.2.1", dst="198.51.100.2", proto=94) / Raw(V4),
    "GRE": OUT4 / GRE() / IN4,
    "GRE with everything": OUT6 / GRE(chksum_present=1, key_present=1, seqnum_present=1) / IN6,
    "GRE with routes": OUT4 / GRE(routing_present=1, proto=0x0800) / Raw(ROUTES + V4),
    "GRE, Ethernet": OUT4 / GRE(proto=0x6558) / INNER / Dot1Q(vlan=9) / IN4,
    "GRE, MPLS": OUT4 / GRE(proto=0x8847) / MPLS(s=1) / IN4,
    "PPTP": OUT4 / GRE_PPTP(seqnum_present=1, acknum_present=1) / HDLC() / PPP(proto=0x21) / IN4,
    "ERSPAN I": OUT4 / GRE(proto=0x88BE) / INNER / IN4,
    "ERSPAN II": OUT4 / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II() / INNER / IN4,
    "ERSPAN III": OUT4 / GRE(proto=0x22EB, seqnum_present=1) / Raw(bytes(12)) / INNER / IN4,
    "ERSPAN III, longer": OUT4 / GRE(proto=0x22EB, seqnum_present=1) / Raw(bytes(11) + b"\1" + bytes(8)) / INNER / IN4,
    "WCCP": OUT4 / GRE(proto=0x883E) / Raw(bytes(4) + V4),
    "WCCP, version 1": OUT4 / GRE(proto=0x883E) / Raw(V4),
    "Aruba": OUT4 / GRE(proto=0x8200) / Dot11(type=2) / LLC(ctrl=3) / SNAP(code=0x0800) / Raw(V4),
    "EtherIP": IP(src="192.0.2.1", dst="198.51.100.2", proto=97) / Raw(b"\x30\x00") / INNER / IN4,
    "MPLS in IP": IP(src="192.0.2.1", dst="198.51.100.2", proto=137) / MPLS(s=1) / IN4,
    "VXLAN": OUT4 / UDP(sport=50_000, dport=4789) / VXLAN(vni=7) / INNER / IN6,
    "VXLAN of Linux": udp(8472, bytes.fromhex("0800000000000700") + bytes(INNER / IN4)),
    "VXLAN with policy": udp(4789, bytes.fromhex("8808000100000700") + bytes(INNER / IN4)),
    "VXLAN-GPE": udp(4790, bytes.fromhex("0c00000100000700") + V4),
    "Geneve": OUT4 / UDP(sport=50_000, dport=6081) / GENEVE(vni=7, proto=0x6558) / INNER / IN4,
    "Geneve, IP and options": OUT4 / UDP(sport=1, dport=6081) / Raw(bytes.fromhex("0100080000000700 01020300") + V4),
    "GTP": OUT4 / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=7, gtp_type=255) / IN4,
    "GTP with a session container": (
        OUT6 / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=7, gtp_type=255, E=1) / GTPPDUSessionContainer() / IN6
    ),
    "GTP, version 0": udp(3386, b"\x1e\xff" + bytes(18) + V4),
    "Teredo": udp(3544, V6),
    "Teredo with origin": udp(3544, ORIGIN + V6),
    "Teredo with authentication": udp(3544, bytes.fromhex("00010000") + bytes(9) + ORIGIN + V6),
    "AYIYA": udp(5072, bytes.fromhex("41511129 00000000") + bytes(16 + 20) + V6),
    "L2TP": OUT4 / UDP(sport=1701, dport=1701) / L2TP(hdr=["length"]) / Raw(bytes.fromhex("ff030021") + V4),
    "CAPWAP": udp(5247, bytes.fromhex("0010020000000000") + bytes(INNER / IN4)),
    "CAPWAP, wireless": udp(
        5247, bytes.fromhex("0010030000000000") + bytes(Dot11(type=2) / LLC(ctrl=3) / SNAP(code=0x0800) / V4)
    ),
    "CAPWAP, swapped": udp(
        5247, bytes.fromhex("0010030000000000") + b"\x01\x08" + bytes(22) + bytes(LLC(ctrl=3) / SNAP(code=0x0800) / V4)
    ),
    "GRE in UDP": udp(4754, bytes(GRE() / IN4)),
    "LISP": udp(4341, bytes(8) + V6),
    "MPLS in UDP": udp(6635, bytes(MPLS(s=1) / IN4)),
}  # fmt: skip


def names(observations: list[Observation]) -> list[bytes]:
    return [message.name for message in of(DnsMessage, observations)]


@pytest.mark.parametrize("name", TUNNELS)
def test_the_name_inside_comes_out_and_the_bytes_count_once(name: str) -> None:
    data = bytes(TUNNELS[name])
    watch = Watch()
    seen = watch.see(data, RAW)
    (outer,) = of(Packet, seen)
    (message,) = of(DnsMessage, seen)
    assert (outer.depth, outer.length) == (0, len(data))
    assert outer.source[:2] in (b"\xc0\x00", b"\x20\x01")
    assert message.name == b"www.tiktok.com"
    inner = message.packet
    assert (inner.depth, inner.length, inner.destination_port) == (1, len(data), 53)
    assert inner.source in (bytes([10, 0, 0, 1]), bytes.fromhex("fd00") + bytes(13) + b"\1")
    assert watch.errors.counts == {}


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_that_is_cut_anywhere_gives_no_name(name: str) -> None:
    data = bytes(TUNNELS[name])
    for end in range(data.index(QUERY) + len(QUERY)):
        assert names(observe(data[:end], RAW, len(data))) == []


def test_the_hosts_inside_have_the_macs_of_the_frame_inside_or_none() -> None:
    (message,) = of(DnsMessage, observe(bytes(ETHER / TUNNELS["VXLAN"])))
    assert message.packet.ethernet == bytes.fromhex("02000000000b02000000000a")
    (message,) = of(DnsMessage, observe(bytes(ETHER / TUNNELS["6in4"])))
    assert message.packet.ethernet == b""


@pytest.mark.parametrize(("levels", "seen"), [(1, True), (2, True), (3, True), (4, False), (40, False)])
def test_three_levels_and_no_more(levels: int, seen: bool) -> None:
    nested = V4
    for level in range(levels):
        nested = bytes(IP(src=f"192.0.2.{level}", dst="198.51.100.2") / GRE(proto=0x0800) / Raw(nested))
    observations = observe(nested, RAW)
    assert bool(names(observations)) == seen
    assert [one.length for one in of(Packet, observations)] == [len(nested)]


@pytest.mark.parametrize("port", [1701, 2152, 3386, 3544, 4341, 4754, 4789, 4790, 5072, 5247, 6081, 6635, 8472])
def test_a_client_may_have_a_tunnels_port(port: int) -> None:
    asks = bytes(OUT4 / UDP(sport=port, dport=53) / Raw(QUERY))
    assert names(observe(asks, RAW)) == [b"www.tiktok.com"]
    other = bytes(OUT4 / UDP(sport=9, dport=port) / Raw(QUERY))
    assert [message.packet.depth for message in of(DnsMessage, observe(other, RAW))] == [0]


@pytest.mark.parametrize("port", [3544, 4341, 4754, 4789, 4790, 5072, 6081, 6635, 8472])
@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_what_a_client_sends_from_a_tunnels_port_is_no_tunnel(port: int, chance: random.Random) -> None:
    """Ciphertext has an IP version where one is looked for in one of eight datagrams."""
    watch = Watch(depth=3)
    for first in range(16):
        content = bytes((first * 16,)) + chance.randbytes(3) + bytes((first * 16 + 5,)) + chance.randbytes(90)
        for payload in (content, b"\4\0\1\0" + content):
            data = udp_packet(bytes(4), bytes(4), struct.pack(">HH", port, 51_820), payload)
            assert [one.depth for one in of(Packet, watch.see(data, RAW))] == [0]


def test_fragments_of_a_tunnel_are_put_together() -> None:
    whole = bytes(IP(src="192.0.2.1", dst="198.51.100.2", proto=47, id=3) / Raw(bytes(GRE() / IN4)))
    first = bytes(IP(src="192.0.2.1", dst="198.51.100.2", proto=47, id=3, flags="MF") / Raw(whole[20:44]))
    last = bytes(IP(src="192.0.2.1", dst="198.51.100.2", proto=47, id=3, frag=3) / Raw(whole[44:]))
    watch = Watch()
    assert names(watch.see(last, RAW)) == []
    assert names(watch.see(first, RAW)) == [b"www.tiktok.com"]


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">HH", 0x0002, 0x0800) + V4,
        struct.pack(">HH", 0x2001, 0x0800) + V4,
        struct.pack(">HH", 0x0000, 0x0001) + V4,
        struct.pack(">HH", 0x8000, 0x0800),
        b"\x00",
    ],
)
def test_gre_that_makes_no_sense_is_not_looked_into(content: bytes) -> None:
    data = bytes(IP(src="192.0.2.1", dst="198.51.100.2", proto=47) / Raw(content))
    assert [type(one) for one in observe(data, RAW)] == [Packet]


@given(st.sampled_from(sorted(TUNNELS)), st.integers(20, 140), st.binary(min_size=1, max_size=6))
def test_any_damage_to_any_tunnel_never_raises(name: str, at: int, damage: bytes) -> None:
    data = bytes(TUNNELS[name])
    observe(data[:at] + damage + data[at + len(damage) :], RAW)
