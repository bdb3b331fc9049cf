"""From every link to the packet inside, with the headers as other tools write them."""

import struct

import pytest
from frames import CLIENT_MAC, QUERY, RAW, SERVER_MAC, Watch, observe, of, packet
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.packet import Raw

from monitor.model import DnsMessage, Packet

INSIDE = IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=4000, dport=53) / Raw(QUERY)
INSIDE6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=4000, dport=53) / Raw(QUERY)
V4 = bytes(INSIDE)
V6 = bytes(INSIDE6)
MACS = {"dst": "02:00:00:00:00:02", "src": "02:00:00:00:00:01"}
TAGGED = SERVER_MAC + CLIENT_MAC
SNAPPED = bytes(LLC(ctrl=3) / SNAP(code=0x0800) / V4)


def attribute(code: int, content: bytes) -> bytes:
    return struct.pack("<HH", len(content) + 4, code) + content + bytes(-len(content) % 4)


NFLOG = attribute(1, bytes(4)) + attribute(10, b"hello\0") + attribute(9, V4)

LINKS = {
    "null, little endian": (0, bytes.fromhex("02000000") + V4),
    "null, big endian": (0, bytes.fromhex("00000002") + V4),
    "null, IPv6 of macOS": (0, bytes.fromhex("1e000000") + V6),
    "null, IPv6 of FreeBSD": (0, bytes.fromhex("1c000000") + V6),
    "null, scapy": (0, bytes(Loopback(type=2) / INSIDE)),
    "null, an EtherType behind two bytes": (0, bytes.fromhex("0f000800") + V4),
    "loop of OpenBSD": (108, bytes.fromhex("00000018") + V6),
    "ethernet": (1, bytes(Ether(**MACS) / INSIDE)),
    "ethernet, 802.1Q": (1, bytes(Ether(**MACS) / Dot1Q(vlan=7) / INSIDE6)),
    "ethernet, QinQ": (1, bytes(Ether(**MACS) / Dot1AD(vlan=7) / Dot1Q(vlan=8) / INSIDE)),
    "ethernet, four tags": (1, bytes(Ether(**MACS) / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q(type=0x0800) / V4)),
    "ethernet, old QinQ": (1, TAGGED + bytes.fromhex("91000007 81000008 0800") + V4),
    "ethernet, LLC and SNAP": (1, bytes(Ether(**MACS, type=len(V4) + 8) / SNAPPED)),
    "ethernet, PPPoE": (1, bytes(Ether(**MACS) / PPPoE(sessionid=3) / PPP(proto=0x21) / INSIDE)),
    "ethernet, PPPoE in a VLAN": (1, bytes(Ether(**MACS) / Dot1Q(vlan=7) / PPPoE() / PPP(proto=0x57) / INSIDE6)),
    "ethernet, MPLS": (1, bytes(Ether(**MACS, type=0x8847) / MPLS(label=3, s=0) / MPLS(label=4, s=1) / INSIDE)),
    "ethernet, pseudowire with control word": (
        1, TAGGED + bytes.fromhex("8847 00011140 00000000") + bytes(Ether(**MACS) / INSIDE)
    ),
    "ethernet, pseudowire without": (1, TAGGED + bytes.fromhex("8847 00011140") + bytes(Ether(**MACS) / INSIDE)),
    "ethernet, service chain": (1, bytes(Ether(**MACS, type=0x894F) / NSH(mdtype=1, nextproto=1) / INSIDE)),
    "ethernet, Cisco metadata": (1, TAGGED + bytes.fromhex("8909 0101000100020800") + V4),
    "ethernet, VN-Tag": (1, TAGGED + bytes.fromhex("8926 000000010800") + V4),
    "ethernet, 802.1BR": (1, TAGGED + bytes.fromhex("893f 0000000100000800") + V4),
    "ethernet, 802.1ah": (1, TAGGED + bytes.fromhex("88e7 00000001") + bytes(Ether(**MACS) / INSIDE)),
    "ethernet, MACsec not encrypted": (1, TAGGED + bytes.fromhex("88e5 00 00 00000001 0800") + V4 + bytes(16)),
    "ethernet, ISL": (1, bytes.fromhex("01000c0000") + bytes(21) + bytes(Ether(**MACS) / INSIDE)),
    "token ring": (6, bytes(2) + TAGGED + bytes.fromhex("aaaa030000000800") + V4),
    "token ring, routed": (
        6, bytes(2) + SERVER_MAC + b"\x82" + CLIENT_MAC[1:] + bytes.fromhex("0630 00010002 aaaa030000000800") + V4
    ),
    "ARCNET": (7, bytes.fromhex("0102d4000001") + V4),
    "ARCNET of Linux, RFC 1051": (129, bytes.fromhex("01020000f0") + V4),
    "FDDI": (10, b"\x50" + TAGGED + bytes.fromhex("aaaa030000000800") + V4),
    "PPP": (9, bytes(HDLC() / PPP(proto=0x21) / INSIDE)),
    "PPP without address": (9, bytes.fromhex("0021") + V4),
    "PPP, short protocol": (9, b"\x21" + V4),
    "PPP, MPLS": (50, bytes.fromhex("ff030281 00003140") + V4),
    "PPP with direction": (204, bytes.fromhex("01ff030057") + V6),
    "PPP of pppd": (166, bytes.fromhex("00ff030021") + V4),
    "PPPoE session": (51, bytes(PPPoE() / PPP(proto=0x21) / INSIDE)),
    "HDLC of Cisco": (104, bytes.fromhex("0f000800") + V4),
    "HDLC on a PPP link": (50, bytes.fromhex("8f0086dd") + V6),
    "HDLC with direction": (205, bytes.fromhex("010f000800") + V4),
    "ATM": (100, bytes.fromhex("aaaa030000000800") + V4),
    "ATM, bridged": (100, bytes.fromhex("aaaa030080c200070000") + bytes(Ether(**MACS) / INSIDE)),
    "ATM, routed ISO": (100, bytes.fromhex("fefe03cc") + V4),
    "classical IP over ATM": (106, V4),
    "SunATM": (123, bytes.fromhex("02000000 aaaa0300000086dd") + V6),
    "frame relay": (107, bytes.fromhex("1841 03 cc") + V4),
    "frame relay, SNAP": (107, bytes.fromhex("1841 03 00 80 000000 0800") + V4),
    "frame relay of Cisco": (107, bytes.fromhex("1841 0800") + V4),
    "frame relay, long address": (107, bytes.fromhex("18404041 03 8e") + V6),
    "frame relay with direction": (206, bytes.fromhex("01 1841 03 cc") + V4),
    "raw": (101, V4),
    "raw of OpenBSD": (14, V6),
    "raw of Linux": (12, V4),
    "IPv4": (228, V4),
    "IPv6": (229, V6),
    "ENC": (109, bytes(12) + V4),
    "PFLOG": (117, b"\x3d" + bytes(63) + V4),
    "IP over Fibre Channel": (122, bytes(16) + bytes.fromhex("aaaa030000000800") + V4),
    "IPNET": (226, bytes(24) + V6),
    "IP over InfiniBand": (242, bytes(40) + bytes.fromhex("08000000") + V4),
    "Apple's IP over FireWire": (138, bytes(16) + bytes.fromhex("0800") + V4),
    "Juniper's Ethernet": (178, b"MGC\x80\x00\x04abcd" + bytes(Ether(**MACS) / INSIDE)),
    "Juniper's PPP": (179, b"MGC\x00" + bytes.fromhex("ff030021") + V4),
    "Juniper's frame relay": (180, b"MGC\x00" + bytes.fromhex("1841 03 cc") + V4),
    "Juniper's HDLC": (181, b"MGC\x80\x00\x00" + bytes.fromhex("0f000800") + V4),
    "SLIP": (8, bytes(16) + V4),
    "netANALYZER": (240, bytes(4) + bytes(Ether(**MACS) / INSIDE)),
    "switch of Broadcom": (281, TAGGED + bytes(4) + bytes.fromhex("0800") + V4),
    "switch of Broadcom, tag before": (282, bytes(4) + bytes(Ether(**MACS) / INSIDE)),
    "switch of Marvell": (284, TAGGED + bytes(4) + bytes.fromhex("86dd") + V6),
    "switch of Marvell, typed": (285, TAGGED + bytes.fromhex("dada0000 00000000 81000007 0800") + V4),
    "Linux cooked": (113, bytes(CookedLinux(proto=0x0800) / INSIDE)),
    "Linux cooked, LLC": (113, bytes(CookedLinux(proto=4)) + bytes.fromhex("aaaa030000000800") + V4),
    "Linux cooked, VLAN": (113, bytes(CookedLinux(proto=0x8100)) + bytes.fromhex("00070800") + V4),
    "Linux cooked, version 2": (276, bytes(CookedLinuxV2(proto=0x86DD) / INSIDE6)),
    "NFLOG": (239, bytes.fromhex("02000014") + NFLOG),
    "wireless": (105, bytes(Dot11(type=2, FCfield=1) / SNAPPED)),
    "wireless, QoS": (105, bytes(Dot11(type=2, subtype=8) / Dot11QoS() / SNAPPED)),
    "wireless, four addresses": (
        105, bytes(Dot11(type=2, FCfield=3, addr4=MACS["src"]) / SNAPPED)
    ),
    "wireless, aggregate": (
        105,
        bytes(Dot11(type=2, subtype=8) / Dot11QoS(A_MSDU_Present=1))
        + TAGGED + struct.pack(">H", len(V4) + 8) + bytes.fromhex("aaaa030000000800") + V4 + b"next",
    ),
    "radiotap": (127, bytes(RadioTap() / Dot11(type=2) / SNAPPED)),
    "Prism": (119, bytes(144) + bytes(Dot11(type=2) / SNAPPED)),
    "AVS": (163, bytes.fromhex("8021100100000040") + bytes(56) + bytes(Dot11(type=2) / SNAPPED)),
    "PPI around Ethernet": (192, bytes.fromhex("0000080001000000") + bytes(Ether(**MACS) / INSIDE)),
    "PKTAP around Ethernet": (
        258, struct.pack("<III", 108, 1, 1) + bytes(96) + bytes(Ether(**MACS) / INSIDE)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
def test_the_packet_inside_is_found(name: str) -> None:
    link, data = LINKS[name]
    watch = Watch()
    seen = watch.see(data, link)
    (one,) = of(Packet, seen)
    (message,) = of(DnsMessage, seen)
    assert message.name == b"www.tiktok.com"
    assert message.packet is one
    assert (one.source_port, one.destination_port, one.protocol) == (4000, 53, 17)
    assert one.length == len(V4) if len(one.source) == 4 else len(V6)
    assert one.payload == len(QUERY)
    assert watch.errors.counts == {}


@pytest.mark.parametrize("name", LINKS)
def test_a_frame_that_is_cut_anywhere_is_counted_and_never_more(name: str) -> None:
    link, data = LINKS[name]
    for end in range(data.index(QUERY) + len(QUERY)):
        seen = observe(data[:end], link, len(data))
        assert not of(DnsMessage, seen)
        assert all(one.length == len(V4 if len(one.source) == 4 else V6) for one in of(Packet, seen))


def test_addresses_of_the_link_and_the_outer_two_vlans() -> None:
    plain = packet(bytes(Ether(**MACS) / INSIDE))
    assert (plain.destination_mac, plain.source_mac, plain.vlan) == (SERVER_MAC, CLIENT_MAC, 0)
    assert packet(bytes(Ether(**MACS) / Dot1AD(vlan=77) / Dot1Q(vlan=8) / INSIDE)).vlan == 77 << 12 | 8
    assert packet(V4, RAW).ethernet == b""
    to_station = Dot11(type=2, FCfield=2, addr1=MACS["dst"], addr3=MACS["src"])
    assert packet(bytes(to_station / SNAPPED), 105).ethernet == TAGGED
    logged = bytes.fromhex("02000014") + attribute(16, TAGGED + b"\x08\x00") + attribute(9, V4)
    assert packet(logged, 239).ethernet == TAGGED


@pytest.mark.parametrize("link", [2, 147, 195, 256, 65_535])
def test_a_link_that_nobody_knows_is_a_counted_error(link: int) -> None:
    watch = Watch()
    assert watch.see(V4, link) == []
    assert watch.errors.counts == {("link", "unknown_link"): 1}


@pytest.mark.parametrize(
    "data",
    [
        bytes(Dot11(type=2, FCfield=0x40) / SNAPPED),
        bytes(Dot11(type=0, subtype=8)) + V4,
    ],
)
def test_encrypted_and_management_frames_are_passed_over(data: bytes) -> None:
    assert observe(data, 105) == []


def test_encrypted_macsec_and_pppoe_discovery_are_passed_over() -> None:
    assert observe(TAGGED + bytes.fromhex("88e5 0c 00 00000001 0800") + V4) == []
    assert observe(TAGGED + bytes.fromhex("8863 1109 0000 0004 01010000") + V4) == []


@given(st.integers(0, 300), st.binary(max_size=120))
def test_any_bytes_of_any_link_never_raise(link: int, data: bytes) -> None:
    observe(data, link)


@given(st.sampled_from(sorted(LINKS)), st.integers(0, 200), st.binary(min_size=1, max_size=6))
def test_any_damage_to_any_link_never_raises(name: str, at: int, damage: bytes) -> None:
    link, data = LINKS[name]
    observe(data[:at] + damage + data[at + len(damage) :], link)
