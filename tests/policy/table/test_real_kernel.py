"""The fake kernel and the real one agree on which packets pass, whatever the policy."""

import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from cable import ip
from fake_kernel import PASS, TCP, FakeKernel, Packet
from hypothesis import Phase, given, settings
from worlds import INTERFACES, Listed, World, catalogues, learned_sets, packed, traffic, worlds

from monitor.kernel.nft.drift import Repair
from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.namespace import Namespace
from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff

pytestmark = pytest.mark.netns

GATEWAY_MACS = {"lan0": bytes.fromhex("0200000000a0"), "lan1": bytes.fromhex("0200000000a1")}
STRANGER = bytes.fromhex("020000000009")
# Nobody's address, so that the packet after all others passes and says that they are through.
LAST = Packet(packed("10.2.0.1"), packed("21.0.0.9"), STRANGER, TCP)
SECONDS = 5.0
UNUSED_TABLE = 77  # of routes that no rule leads to


@dataclass
class Bench:
    """A gateway with two LAN interfaces, one to the outside, and whoever is at the other ends."""

    gateway: Namespace
    others: Namespace
    enforcer: Enforcer
    senders: dict[str, socket.socket]
    receiver: socket.socket

    def passed(self, packets: Sequence[Packet]) -> list[bool]:
        """Which of the packets come out of the other side."""
        for number, packet in enumerate(packets):
            self.send(packet, number)
        for interface in INTERFACES:
            self.send(replace(LAST, came_in=interface), len(packets))
        seen: set[int] = set()
        last = 0
        deadline = time.monotonic() + SECONDS
        while last < len(INTERFACES):
            assert time.monotonic() < deadline, "the last packet did not come through"
            frame = self.receiver.recv(2048)
            number = number_of(frame)
            last += number == len(packets)
            if 0 <= number < len(packets) and source_of(frame) == packets[number].source:
                seen.add(number)
        return [number in seen for number in range(len(packets))]

    def send(self, packet: Packet, number: int) -> None:
        mac = packet.mac or STRANGER
        kind = b"\x08\x00" if len(packet.source) == 4 else b"\x86\xdd"
        self.senders[packet.came_in].send(GATEWAY_MACS[packet.came_in] + mac + kind + network(packet, number))


def network(packet: Packet, number: int) -> bytes:
    """An IP packet with its number behind the transport header."""
    ports = struct.pack("!HH", packet.source_port, packet.destination_port)
    body = {
        6: ports + struct.pack("!IIBBHHH", 1, 1, 5 << 4, packet.flags, 1024, 0, 0),
        17: ports + struct.pack("!HH", 12, 0),
        1: bytes((8, 0, 0, 0, 0, 0, 0, 0)),
    }[packet.protocol] + struct.pack("!I", 0x67770000 | number)
    if len(packet.source) == 16:
        head = struct.pack("!IHBB", 6 << 28, len(body), packet.protocol, 9)
        return head + packet.source + packet.destination + body
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(body), 0, 0, 9, packet.protocol)
    total = sum(struct.unpack("!9H", head + packet.source + packet.destination))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head + struct.pack("!H", ~total & 0xFFFF) + packet.source + packet.destination + body


def number_of(frame: bytes) -> int:
    """The number that `network` wrote, -1 for frames of others."""
    if len(frame) < 18 or frame[-4:-2] != b"\x67\x77":
        return -1
    return struct.unpack("!H", frame[-2:])[0]


def source_of(frame: bytes) -> bytes:
    """Whose packet it is: an error message quotes one of another's."""
    return frame[26:30] if frame[12:14] == b"\x08\x00" else frame[22:38]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    gateway, others = Namespace(f"gwt-{os.getpid()}-fg"), Namespace(f"gwt-{os.getpid()}-fo")
    try:
        gateway.create()
        others.create()
        others.sysctl({"ipv6/conf/default/disable_ipv6": 1})
        for link, mac in (*GATEWAY_MACS.items(), ("wan0", bytes.fromhex("0200000000af"))):
            far = f"peer far-{link} netns {others.name}"
            ip(f"-n {gateway.name} link add {link} address {mac.hex(':')} type veth {far}")
            ip(f"-n {gateway.name} link set {link} up")
            ip(f"-n {others.name} link set far-{link} up")
        gateway.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
        for words, via in (("", "192.0.2.1"), ("-6 ", "2001:db8::1")):
            ip(f"-n {gateway.name} {words}route add default via {via} dev wan0 onlink")
            ip(f"-n {gateway.name} neigh add {via} lladdr 02:00:00:00:00:bf dev wan0 nud permanent")
        # Clients are anywhere, and only those are diverted that an answer gets back to.
        for metric, link in enumerate(GATEWAY_MACS, 1):
            for prefix in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"):
                ip(f"-n {gateway.name} route add {prefix} dev {link} metric {metric} table {UNUSED_TABLE}")
        yield from furnished(gateway, others)
    finally:
        gateway.remove()
        others.remove()


def furnished(gateway: Namespace, others: Namespace) -> Iterator[Bench]:
    def open_at(link: str, protocol: int) -> socket.socket:
        def make() -> socket.socket:
            own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_388_608)
            own.bind((link, protocol))
            own.settimeout(SECONDS)
            return own

        return others.inside(make)

    senders = {name: open_at(f"far-{name}", 0) for name in INTERFACES}
    enforcer = gateway.inside(Enforcer)
    try:
        with closing(senders["lan0"]), closing(senders["lan1"]), closing(open_at("far-wan0", 3)) as receiver:
            yield Bench(gateway, others, enforcer, senders, receiver)
    finally:
        enforcer.stop()


@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(worlds, worlds, catalogues, traffic())
def test_both_kernels_let_the_same_packets_pass(
    bench: Bench, before: World, after: World, listed: Listed, sent: list[Packet]
) -> None:
    """Under a policy that is loaded whole, and under another one that is reached by changes."""
    packets = [
        replace(packet, goes_out="wan0", mac=packet.mac or STRANGER) for packet in sent if packet.came_in in INTERFACES
    ]
    old, new = before.desired(listed), after.desired(listed)
    bench.gateway.inside(lambda: bench.enforcer.start(old, INTERFACES))
    bench.gateway.inside(lambda: bench.enforcer.divert(INTERFACES))
    learned = before.learned(old, listed)
    for chain, key in learned:
        bench.enforcer.learn(chain, [key], 60, b"banned.example")
    assert bench.passed(packets) == [kernel_of(old, learned).forward(packet) == PASS for packet in packets]
    bench.enforcer.apply(diff(new, old))
    assert bench.passed(packets) == [kernel_of(new, learned).forward(packet) == PASS for packet in packets]
    assert bench.enforcer.complaints == []
    assert bench.enforcer.elements.refused == {}
    assert bench.gateway.inside(lambda: bench.enforcer.reconcile(new)) == Repair("", ())


def kernel_of(desired: Desired, learned: Sequence[tuple[str, bytes]]) -> FakeKernel:
    fake = FakeKernel(desired)
    for chain, key in learned:
        if chain in desired.chains:
            for name in learned_sets(chain, key):
                fake.put(name, key)
    for interface in INTERFACES:
        fake.put("alive", interface.encode())
    return fake
