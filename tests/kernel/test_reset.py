"""A killed connection ends at once for its client, and nothing of it is left in conntrack."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from cable import FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Cable, cable
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from tables import table

from monitor.kernel.enforcer import Cut, Enforcer
from monitor.model import flow_key
from monitor.wire.reset import reset_packet

pytestmark = pytest.mark.netns

PAIRS = [(FAR_V4, NEAR_V4), (FAR_V6, NEAR_V6)]


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_reset_is_what_scapy_would_build(client: str, server: str) -> None:
    for _ in range(50):
        sequence, ports = random.randrange(1 << 32), (random.randrange(1 << 16), 443)
        made = reset_packet(flow_key(packed(client), packed(server), *ports, 6), sequence)
        network = IPv6 if ":" in client else IP
        read = network(made)
        assert (read.src, read.dst, read[TCP].flags, read[TCP].seq) == (server, client, "R", sequence)
        assert (read[TCP].sport, read[TCP].dport) == (443, ports[0])
        del read[TCP].chksum
        if network is IP:
            del read.chksum
        assert bytes(read) == made


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        rules = (
            "table inet t {\n chain c {\n type filter hook output priority 0; policy accept;\n ct state new\n }\n }\n"
        )
        ends.near.run(["nft", "-f", "-"], input=rules).check_returncode()
        yield ends


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_the_client_knows_at_once(wire: Cable, client: str, server: str) -> None:
    """The far end stands for a client whose hello has just passed: its reset comes before any other word."""
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    listener = wire.near.inside(lambda: socket.create_server((server, 443), family=family))
    enforcer = wire.near.inside(Enforcer)
    acknowledged: list[int] = []
    with closing(listener):
        try:
            wire.near.inside(lambda: enforcer.start(table(), ["v0"]))
            sniffer = wire.near.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)))
            with closing(sniffer), wire.far.inside(lambda: socket.create_connection((server, 443))) as hello:
                sniffer.settimeout(2)
                hello.sendall(b"hello")
                while not acknowledged:
                    data, place = sniffer.recvfrom(2048)
                    packet = (IPv6 if family == socket.AF_INET6 else IP)(data)
                    if place[2] == socket.PACKET_HOST and TCP in packet and bytes(packet[TCP].payload) == b"hello":
                        acknowledged.append(packet[TCP].ack)
                key = flow_key(packed(client), packed(server), hello.getsockname()[1], 443, 6)
                assert "dport=443" in tracked(wire)
                began = time.monotonic()
                wire.near.inside(lambda: enforcer.kill([Cut(key, acknowledged[0], name=b"www.example.com")]))
                hello.settimeout(2)
                with pytest.raises(ConnectionResetError):
                    hello.recv(10)
                assert time.monotonic() - began < 0.2
                assert enforcer._resets.failed == 0
                assert "ESTABLISHED" not in tracked(wire)
                listed = wire.near.run(["nft", "list", "table", "inet", "gatewatch"]).stdout
                assert listed.count('comment "www.example.com"') == 2
        finally:
            wire.near.inside(enforcer.stop)


def tracked(wire: Cable) -> str:
    return "".join(wire.near.run(["conntrack", "-L", "-f", family]).stdout for family in ("ipv4", "ipv6"))
