"""Addresses and MACs in the hosts' own messages."""

import pytest
from frames import ETHER, Watch, observe, of
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptMTU,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, CookedLinux, Dot1Q
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet as Layer

from monitor.model import Neighbour, Packet

MAC = bytes.fromhex("020000000001")
MAC_TEXT = "02:00:00:00:00:01"
HOST = bytes.fromhex("fe80") + bytes(13) + b"\1"
OTHER = bytes.fromhex("fe80") + bytes(13) + b"\2"
LINK = IPv6(src="fe80::1", dst="ff02::1", hlim=255)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (ARP(op=1, hwsrc=MAC_TEXT, psrc="192.0.2.1", pdst="192.0.2.2"), bytes([192, 0, 2, 1])),
        (ARP(op=2, hwsrc=MAC_TEXT, psrc="192.0.2.1", pdst="192.0.2.2"), bytes([192, 0, 2, 1])),
        (Dot1Q(vlan=3) / ARP(op=2, hwsrc=MAC_TEXT, psrc="192.0.2.1"), bytes([192, 0, 2, 1])),
        (LINK / ICMPv6ND_NS(tgt="fe80::9") / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT), HOST),
        (LINK / ICMPv6ND_NA(tgt="fe80::2") / ICMPv6NDOptDstLLAddr(lladdr=MAC_TEXT), OTHER),
        (LINK / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT), HOST),
        (LINK / ICMPv6ND_RA() / ICMPv6NDOptMTU() / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT), HOST),
    ],
)
def test_what_a_host_says_of_itself(layer: Layer, expected: bytes) -> None:
    (one,) = of(Neighbour, observe(bytes(ETHER / layer)))
    assert (one.address, one.mac) == (expected, MAC)


@pytest.mark.parametrize(
    "layer",
    [
        ARP(op=1, hwsrc=MAC_TEXT, psrc="0.0.0.0"),
        ARP(op=2, hwsrc="00:00:00:00:00:00", psrc="192.0.2.1"),
        ARP(op=2, hwsrc="01:00:5e:00:00:01", psrc="192.0.2.1"),
        ARP(op=3, hwsrc=MAC_TEXT, psrc="192.0.2.1"),
        ARP(hwtype=6, op=2, hwsrc=MAC_TEXT, psrc="192.0.2.1"),
        IPv6(src="::", hlim=255) / ICMPv6ND_NS() / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT),
        IPv6(src="fe80::1", hlim=64) / ICMPv6ND_NS() / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT),
        LINK / ICMPv6ND_NS() / ICMPv6NDOptDstLLAddr(lladdr=MAC_TEXT),
        LINK / ICMPv6ND_NA(tgt="fe80::2"),
        LINK / ICMPv6ND_NA(tgt="fe80::2") / ICMPv6NDOptDstLLAddr(len=0, lladdr=MAC_TEXT),
        IP() / UDP(sport=1, dport=4789) / VXLAN() / ETHER / ARP(op=2, hwsrc=MAC_TEXT, psrc="192.0.2.1"),
    ],
)
def test_probes_forgeries_from_afar_and_empty_claims_say_nothing(layer: Layer) -> None:
    assert of(Neighbour, observe(bytes(ETHER / layer))) == []


def test_arp_on_a_cooked_link_and_cut_arp() -> None:
    data = bytes(CookedLinux(proto=0x0806) / ARP(op=2, hwsrc=MAC_TEXT, psrc="192.0.2.1"))
    assert len(of(Neighbour, observe(data, 113))) == 1
    for end in range(len(data)):
        assert observe(data[:end], 113) == []


def test_discovery_is_a_packet_too() -> None:
    watch = Watch()
    data = bytes(ETHER / LINK / ICMPv6ND_NS(tgt="fe80::9") / ICMPv6NDOptSrcLLAddr(lladdr=MAC_TEXT))
    assert [type(one) for one in watch.see(data)] == [Packet, Neighbour]
