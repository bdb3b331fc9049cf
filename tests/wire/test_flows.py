"""Every packet of the captures against what tshark counts: addresses, ports, packets and IP bytes, tunnels included."""

import ipaddress
import math
from collections import Counter

import corpus
import pytest

from monitor.capture.file import read_frames
from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP, Observation, Packet
from monitor.wire.decoder import DEPTH_MAX, Decoder

# Layer, source, destination; then packets and, of the outermost layer, IP bytes.
Hosts = tuple[int, str, str]
# Layer, protocol, source, port, destination, port.
Ports = tuple[int, str, str, int, str, int]

NAMES = {PROTOCOL_TCP: "tcp", PROTOCOL_UDP: "udp"}

# Capture: rows that differ, and why. Everything else is equal.
EXPLAINED = {
    "tcpdump__sflow-print-v6.pcap": (3, "sFlow samples quote frames of another link, which are no traffic here"),
    "tcpdump__sflow_expanded.pcap": (2, "sFlow samples, as above"),
    "zeek__tunnels_gre-aruba-amsdu.pcap": (
        2,
        "the second subframe of a wireless aggregate inside GRE; the first is read",
    ),
    "suricata__security-8550.pcap": (
        1,
        "a fragment inside GRE inside fragments: tshark shows it as well, its table has no row",
    ),
    "tcpdump__802_15_4-data.pcap": (1, "IPv6 compressed for 802.15.4, a link that no gateway has"),
    "ndpi__fuzz-2006-06-26-2594.pcap": (1, "version 6 under the EtherType of IPv4, which every host drops"),
    "pcapplusplus__Fuzzers_RegressionTests_regression_samples_crash-exception-cast-constructed-record": (
        2,
        "tshark guesses Nokia's longer record headers, and so reads other frames",
    ),
    "tcpdump__ipv6_jumbogram_invalid_length.pcap": (
        1,
        "the jumbo option has 65,577 bytes, which are there; the truth adds up the length field, which is 0",
    ),
}


class Tally:
    """Packets and bytes by hosts and by ports."""

    def __init__(self) -> None:
        self.hosts: Counter[tuple[Hosts, str]] = Counter()
        self.ports: Counter[tuple[Ports, str]] = Counter()

    def add_hosts(self, layer: int, source: str, destination: str, packets: int, size: int) -> None:
        self.hosts[(layer, source, destination), "packets"] += packets
        self.hosts[(layer, source, destination), "bytes"] += size if layer == 0 else 0

    def add_ports(self, key: Ports, packets: int, size: int) -> None:
        self.ports[key, "packets"] += packets
        self.ports[key, "bytes"] += size if key[0] == 0 else 0


def ours(capture: corpus.Capture) -> Tally:
    tally = Tally()
    decoder = Decoder(Limits(), ErrorCounts(), True)
    decoder.packets_to_depth = DEPTH_MAX
    for batch in read_frames(capture.path):
        out: list[Observation] = []
        for frame in batch:
            decoder.decode(frame, out)
        add_all(tally, out)
    waited: list[Observation] = []
    decoder.expire(math.inf)
    decoder.drain(waited)
    add_all(tally, waited)
    return tally


def add_all(tally: Tally, seen: list[Observation]) -> None:
    for one in seen:
        if isinstance(one, Packet):
            add(tally, one)


def add(tally: Tally, one: Packet) -> None:
    source, destination = str(ipaddress.ip_address(one.source)), str(ipaddress.ip_address(one.destination))
    tally.add_hosts(one.depth, source, destination, 1, one.length)
    # tshark has no port rows for packets whose ports were cut, which have ports 0 here, and for later fragments.
    if one.protocol in NAMES and (one.source_port or one.destination_port) and not one.fragment:
        key = (one.depth, NAMES[one.protocol], source, one.source_port, destination, one.destination_port)
        tally.add_ports(key, 1, one.length)


def truth(capture: corpus.Capture) -> tuple[Tally, set[Hosts]]:
    """The truth, and between which hosts there are fragments: tshark counts a first one without its ports."""
    tally = Tally()
    fragmented: set[Hosts] = set()
    for row in capture.truth("flows"):
        layer = int(row["layer"])
        for source, destination, way in (("a", "b", "a2b"), ("b", "a", "b2a")):
            packets, size = int(row[f"{way}_pkts"]), int(row[f"{way}_ip_bytes"])
            if not packets or layer > DEPTH_MAX:
                continue
            hosts = (row[source], row[destination])
            if row["proto"] == "ip":
                tally.add_hosts(layer, *hosts, packets, size)
            elif row["proto"] == "frag":
                fragmented |= {(layer, *hosts), (layer, *reversed(hosts))}
            else:
                ports = (int(row[f"{source}_port"]), int(row[f"{destination}_port"]))
                tally.add_ports((layer, row["proto"], hosts[0], ports[0], hosts[1], ports[1]), packets, size)
    return tally, fragmented


def differences(capture: corpus.Capture) -> set[Hosts | Ports]:
    mine = ours(capture)
    theirs, fragmented = truth(capture)
    different: set[Hosts | Ports] = {key for key, _ in (mine.hosts - theirs.hosts) + (theirs.hosts - mine.hosts)}
    for key, _ in (mine.ports - theirs.ports) + (theirs.ports - mine.ports):
        if (key[0], key[2], key[4]) not in fragmented:
            different.add(key)
    return different


@pytest.mark.corpus
def test_packets_and_bytes_of_every_capture_are_what_tshark_counts() -> None:
    unexplained = {}
    seen = {}
    for capture in corpus.captures():
        different = differences(capture)
        if different:
            seen[capture.name] = len(different)
        if len(different) != EXPLAINED.get(capture.name, (0, ""))[0]:
            unexplained[capture.name] = sorted(different, key=str)
    assert unexplained == {}
    assert set(seen) == set(EXPLAINED)
