"""A killed connection ends at once for its client, and nothing of it is left in conntrack."""

import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from cable import FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Cable, cable, ip
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from tables import table

from monitor.core.effects import UNKNOWN_SEQUENCE, Kill
from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.namespace import Namespace
from monitor.model import TCP_RST, flow_key
from monitor.policy.ban import OPEN
from monitor.wire.build.icmp import refusal_to_client
from monitor.wire.build.packets import packet_to_client, udp_packet

pytestmark = pytest.mark.netns

# Whoever is not told waits for ever; the kernel may be long in coming to a packet where there is other work.
PATIENCE_SECONDS = 20.0
PAIRS = [(FAR_V4, NEAR_V4), (FAR_V6, NEAR_V6)]


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_reset_is_what_scapy_would_build(client: str, server: str) -> None:
    for _ in range(50):
        sequence, ports = random.randrange(1 << 32), (random.randrange(1 << 16), 443)
        made = packet_to_client(flow_key(packed(client), packed(server), *ports, 6), sequence, TCP_RST)
        network = IPv6 if ":" in client else IP
        read = network(made)
        assert (read.src, read.dst, read[TCP].flags, read[TCP].seq) == (server, client, "R", sequence)
        assert (read[TCP].sport, read[TCP].dport) == (443, ports[0])
        del read[TCP].chksum
        if network is IP:
            del read.chksum
        assert bytes(read) == made


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_refusal_is_what_scapy_would_build(client: str, server: str) -> None:
    for _ in range(50):
        port = random.randrange(1 << 16)
        made = refusal_to_client(flow_key(packed(client), packed(server), port, 443, 17))
        network, error = (IPv6, ICMPv6DestUnreach) if ":" in client else (IP, ICMP)
        read = network(made)
        assert (read.src, read.dst) == (server, client)
        quoted = read[error].payload
        assert (quoted.src, quoted.dst, quoted.sport, quoted.dport) == (client, server, port, 443)
        assert (read[error].type, read[error].code) == ((1, 4) if network is IPv6 else (3, 3))
        if network is IPv6:
            del read[error].cksum
        else:
            del read.chksum, read[error].chksum
        assert bytes(read) == made


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_datagram_is_what_scapy_would_build(client: str, server: str) -> None:
    for length in range(50):
        ports, data = (random.randrange(1, 1 << 16), 443), random.randbytes(length)
        made = udp_packet(packed(client), packed(server), struct.pack("!HH", *ports), data)
        network = IPv6 if ":" in client else IP
        read = network(made)
        assert (read.src, read.dst, read[UDP].sport, read[UDP].dport) == (client, server, *ports)
        assert bytes(read[UDP].payload) == data
        del read[UDP].chksum
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
                sniffer.settimeout(PATIENCE_SECONDS)
                hello.sendall(b"hello")
                while not acknowledged:
                    data, place = sniffer.recvfrom(2048)
                    packet = (IPv6 if family == socket.AF_INET6 else IP)(data)
                    if place[2] == socket.PACKET_HOST and TCP in packet and bytes(packet[TCP].payload) == b"hello":
                        acknowledged.append(packet[TCP].ack)
                key = flow_key(packed(client), packed(server), hello.getsockname()[1], 443, 6)
                assert "dport=443" in tracked(wire)
                wire.near.inside(lambda: enforcer.kill([Kill(0.0, key, acknowledged[0], "www.example.com", OPEN)]))
                hello.settimeout(PATIENCE_SECONDS)
                with pytest.raises(ConnectionResetError):
                    hello.recv(10)
                assert enforcer._resets.failed == 0
                assert "ESTABLISHED" not in tracked(wire)
                listed = wire.near.run(["nft", "list", "table", "inet", "gatewatch"]).stdout
                assert listed.count('comment "www.example.com"') == 2
        finally:
            wire.near.inside(enforcer.stop)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("acknowledgment", [UNKNOWN_SEQUENCE, 1], ids=["unknown", "old"])
def test_a_download_ends_in_its_middle(wire: Cable, family: int, acknowledgment: int) -> None:
    """The client sends nothing, and its sequence number is unknown or from before the server's answer."""
    beyond = Namespace(f"gwt-{os.getpid()}-beyond")
    six = family == socket.AF_INET6
    server, gateway, client = ("fd0a::2", "fd0a::1", FAR_V6) if six else ("10.11.0.2", "10.11.0.1", FAR_V4)
    try:
        beyond.create()
        ip(f"-n {wire.near.name} link add w0 type veth peer w1 netns {beyond.name}")
        for end, link, address in ((wire.near, "w0", gateway), (beyond, "w1", server)):
            ip(f"-n {end.name} addr add {address}/{64 if six else 24} dev {link}" + (" nodad" if six else ""))
            ip(f"-n {end.name} link set {link} up")
        ip(f"-n {wire.far.name} route add default via {NEAR_V6 if six else NEAR_V4} dev v1")
        wire.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
        masquerade = (
            "table inet n {\n chain p {\n type nat hook postrouting priority 100;\n oifname w0 masquerade\n }\n }\n"
        )
        wire.near.run(["nft", "-f", "-"], input=masquerade).check_returncode()
        enforcer = wire.near.inside(Enforcer)
        try:
            wire.near.inside(lambda: enforcer.start(table(), ["v0"]))
            with (
                closing(beyond.inside(lambda: socket.create_server((server, 443), family=family))) as listener,
                closing(wire.far.inside(lambda: socket.create_connection((server, 443), 5))) as download,
                closing(listener.accept()[0]) as upload,
            ):
                upload.sendall(bytes(500_000))
                left = 500_000
                while left:
                    left -= len(download.recv(left))
                time.sleep(0.1)
                key = flow_key(packed(client), packed(server), download.getsockname()[1], 443, 6)
                enforcer.renew_alive()
                enforcer.kill([Kill(0.0, key, acknowledgment, "", OPEN)])
                download.settimeout(PATIENCE_SECONDS)
                with pytest.raises(ConnectionResetError):
                    download.recv(1)
        finally:
            enforcer.stop()
    finally:
        beyond.remove()


def tracked(wire: Cable) -> str:
    return "".join(wire.near.run(["conntrack", "-L", "-f", family]).stdout for family in ("ipv4", "ipv6"))


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_every_client_of_datagrams_knows_at_once(wire: Cable, client: str, server: str) -> None:
    """The kernel's own errors would reach a handful of fifty."""
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    enforcer = wire.near.inside(Enforcer)
    clients = [wire.far.inside(lambda: socket.socket(family, socket.SOCK_DGRAM)) for _ in range(50)]
    try:
        wire.near.inside(lambda: enforcer.start(table(), ["v0"]))
        for sender in clients:
            sender.settimeout(PATIENCE_SECONDS)
            sender.connect((server, 443))
        keys = [flow_key(packed(client), packed(server), sender.getsockname()[1], 443, 17) for sender in clients]
        wire.near.inside(
            lambda: enforcer.kill([Kill(0.0, key, UNKNOWN_SEQUENCE, "www.example.com", OPEN) for key in keys])
        )
        for sender in clients:
            with pytest.raises(ConnectionRefusedError):
                sender.recv(10)
    finally:
        for sender in clients:
            sender.close()
        wire.near.inside(enforcer.stop)
