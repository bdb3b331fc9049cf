"""The floods are what they say they are: scapy reads them back."""

import random

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from monitor.lab.programs.flood import KINDS, Road, flow, quic, subdomain

ROAD = Road(bytes(12) + b"\x08\x00", bytes((192, 168, 77, 10)), bytes((71, 18, 1, 10)))
MANY = 300


def frames(kind: str) -> list[bytes]:
    chance = random.Random(1)
    return [KINDS[kind](ROAD, chance, number) for number in range(MANY)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_frames_are_sound_and_all_different(kind: str) -> None:
    made = frames(kind)
    assert len(set(made)) == MANY
    for frame in made[:20]:
        again = Ether(frame)
        for layer in (IP, TCP):
            if layer in again:
                checksum = again[layer].chksum
                del again[layer].chksum
                assert Ether(bytes(again))[layer].chksum == checksum
        assert bytes(Ether(frame)) == frame


def test_subdomains_are_questions_below_a_vendors_name() -> None:
    message = Ether(subdomain(ROAD, random.Random(1), 0))[DNS]
    assert message.qd[0].qname.endswith(b".tiktok.com.")


def test_syns_come_from_many_addresses_of_the_clients_network() -> None:
    packets = [Ether(frame) for frame in frames("syn")]
    assert {str(packet[TCP].flags) for packet in packets} == {"S"}
    assert len({packet[IP].src for packet in packets}) > 100
    assert all(packet[IP].src.startswith("192.168.77.") for packet in packets)


def test_flows_go_to_ever_new_addresses() -> None:
    targets = {Ether(flow(ROAD, random.Random(number), number))[IP].dst for number in range(MANY)}
    assert len(targets) == MANY


def test_quic_initials_have_the_length_that_they_claim() -> None:
    payload = bytes(Ether(quic(ROAD, random.Random(1), 0))[UDP].payload)
    assert payload[:5] == b"\xc3\x00\x00\x00\x01"
    assert int.from_bytes(payload[16:18], "big") & 0x3FFF == len(payload) - 18
