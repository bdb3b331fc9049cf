"""The witness counts what scapy wrote."""

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.utils import wrpcap

from monitor.lab.capture import answered, both_ways, tally

PHONE, GATEWAY = "02:67:77:00:00:0a", "02:67:77:ff:00:3c"


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    up, down = Ether(src=PHONE, dst=GATEWAY), Ether(src=GATEWAY, dst=PHONE)
    packets = [
        up / ARP(),
        up / IP(src="192.168.77.10", dst="71.18.1.10") / TCP(sport=20_000, dport=443) / bytes(100),
        down / IP(src="71.18.1.10", dst="192.168.77.10") / TCP(sport=443, dport=20_000) / bytes(1000),
        down / IP(src="71.18.1.10", dst="192.168.77.10") / TCP(sport=443, dport=20_000) / bytes(1000),
        up / IPv6(src="fd77::a", dst="2605:340::10") / UDP(sport=20_001, dport=443) / bytes(50),
    ]
    path = tmp_path / "seen.pcap"
    for number, packet in enumerate(packets):
        packet.time = 1_000.5 + number
    wrpcap(str(path), packets)
    return path


def test_each_way_of_a_flow_has_its_own_tally(seen: Path) -> None:
    flow, up, down = both_ways(tally(seen), "tcp", 20_000)
    assert flow == ("tcp", "192.168.77.10", 20_000, "71.18.1.10", 443)
    assert (up.packets, up.bytes, up.mac) == (1, 140, PHONE)
    assert (down.packets, down.bytes, down.mac) == (2, 2 * 1040, GATEWAY)
    assert down.last == 1_003.5
    assert answered(tally(seen)) == [("tcp", "71.18.1.10", 443, "192.168.77.10", 20_000)]


def test_ipv6_and_what_was_never_answered(seen: Path) -> None:
    flow, up, down = both_ways(tally(seen), "udp", 20_001)
    assert flow == ("udp", "fd77::a", 20_001, "2605:340::10", 443)
    assert (up.bytes, down.bytes) == (98, 0)


def test_a_flow_that_nobody_saw_is_a_failure(seen: Path) -> None:
    with pytest.raises(AssertionError, match="0 flows from udp port 5"):
        both_ways(tally(seen), "udp", 5)
