"""Whole conversations through the straight line: device, direction, name and bytes, whatever the ports and the order.

Each is replayed from a capture file with the local networks that are local by default.
"""

import ipaddress
import random
import struct
from collections.abc import Iterable
from pathlib import Path

import client_hellos as build
import dns.message
import dns.rrset
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replayed import Event, Replayed, owner, owners, sizes

from monitor.model import TCP_ACK, TCP_RST, TCP_SYN
from monitor.wire.build.packets import tcp_packet, udp_packet

NAME = "www.tiktok.com"
NAMED = ("bytedance", "sni")
START = 1_700_000_000.0
DEVICES = {4: "192.168.1.10", 6: "fd00::10"}
RESOLVERS = {4: "192.168.1.1", 6: "fd00::1"}
SERVERS = {4: "198.51.100.73", 6: "2001:db8::49"}
WELL_KNOWN = 1024
PSH = 8

# Of protocols that are read by their number.
TAKEN = frozenset((53, 67, 68, 137, 500, 546, 547, 853, 5353, 5355))
PORTS = st.one_of(
    st.sampled_from((80, 123, 443, 600, 1023, 1024, 20_000, 32_767, 32_768, 40_001, 51_820)),
    st.integers(1, 65_535).filter(lambda port: port not in TAKEN),
)
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Wire:
    """Collects Ethernet frames of one device and one server."""

    def __init__(self, family: int = 4, tags: bytes = b"") -> None:
        self.family = family
        self.device, self.resolver, self.server = (
            ipaddress.ip_address(ends[family]).packed for ends in (DEVICES, RESOLVERS, SERVERS)
        )
        self.tags = tags
        self.at = START
        self.frames: list[tuple[float, bytes]] = []

    def ask(self) -> None:
        asks = dns.message.make_query(NAME, "A" if self.family == 4 else "AAAA", id=7)
        tells = dns.message.make_response(asks)
        kind = "A" if self.family == 4 else "AAAA"
        tells.answer.append(dns.rrset.from_text(f"{NAME}.", 300, "IN", kind, SERVERS[self.family]))
        self.put(True, udp_packet(self.device, self.resolver, ports(50_000, 53), asks.to_wire()))
        self.put(False, udp_packet(self.resolver, self.device, ports(53, 50_000), tells.to_wire()))

    def udp(self, up: bool, client: int, server: int, data: bytes) -> int:
        ends = (self.device, self.server) if up else (self.server, self.device)
        return self.put(up, udp_packet(*ends, ports(client, server) if up else ports(server, client), data))

    def tcp(
        self, up: bool, client: int, server: int, sequence: int, flags: int, data: bytes = b"", ack: int = 1
    ) -> int:
        ends = (self.device, self.server) if up else (self.server, self.device)
        between = ports(client, server) if up else ports(server, client)
        return self.put(up, tcp_packet(*ends, between, sequence, ack, flags, 64_000, data))

    def hello(self, client: int, server: int = 443) -> tuple[int, int]:
        """A handshake and a ClientHello with an answer; IP bytes up and down."""
        hello = build.records(build.hello_for(NAME.encode()))
        up = self.tcp(True, client, server, 0, TCP_SYN, ack=0)
        down = self.tcp(False, client, server, 0, TCP_SYN | TCP_ACK)
        up += self.tcp(True, client, server, 1, TCP_ACK)
        up += self.tcp(True, client, server, 1, TCP_ACK | PSH, hello)
        self.next = 1 + len(hello)
        return up, down + self.tcp(False, client, server, 1, TCP_ACK | PSH, b"\x16" * 90, ack=self.next)

    def put(self, up: bool, packet: bytes) -> int:
        """Takes an IP packet; its length."""
        macs = bytes.fromhex("020000000002020000000001" if up else "020000000001020000000002")
        self.frames.append((self.at, macs + self.tags + (b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet))
        self.at += 0.001
        return len(packet)


def ports(source: int, destination: int) -> bytes:
    return struct.pack("!HH", source, destination)


def replay(frames: Iterable[tuple[float, bytes]], folder: Path) -> Replayed:
    path = folder / "one.pcap"
    head = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
    rows = (struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(data), len(data)) + data for at, data in frames)
    path.write_bytes(head + b"".join(rows))
    return Replayed(path, folder)


def ends(flow: Event) -> tuple[object, ...]:
    return flow["src_ip"], flow["src_port"], flow["dest_ip"], flow["dest_port"]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@given(
    client=PORTS,
    server=PORTS,
    family=st.sampled_from((4, 6)),
    asked=st.booleans(),
    ways=st.lists(st.booleans(), min_size=2),
)
@quick
def test_the_device_is_the_client_whichever_packet_comes_first(
    tmp_path: Path, protocol: str, client: int, server: int, family: int, asked: bool, ways: list[bool]
) -> None:
    """Who asked DNS for the other's address is the client, then who is local; in the middle of TCP there is no SYN."""
    if not asked and client < WELL_KNOWN <= server:
        # Nothing but the port shows a device that serves from one that asks.
        asked = True
    wire = Wire(family)
    if asked:
        wire.ask()
    moved = [0, 0]
    for up in ways:
        data = bytes((200,)) * (40 if up else 400)
        if protocol == "udp":
            moved[up] += wire.udp(up, client, server, data)
        else:
            moved[up] += wire.tcp(up, client, server, 1 + moved[up], TCP_ACK | PSH, data)
    seen = replay(wire.frames, tmp_path)
    (flow,) = seen.flows(SERVERS[family])
    assert ends(flow) == (DEVICES[family], client, SERVERS[family], server)
    assert sizes(flow) == (moved[True], moved[False])
    assert not asked or owner(flow) == ("bytedance", "dns")


@given(client=PORTS, server=PORTS, seed=st.integers(0, 1 << 62))
@quick
def test_the_handshake_of_a_vpn_turns_no_flow_round(tmp_path: Path, client: int, server: int, seed: int) -> None:
    """WireGuard: the initiation, the response, which shows a handshake too, and data from either side."""
    if client < WELL_KNOWN <= server:
        server = client
    chance = random.Random(seed)
    wire = Wire()
    messages = [(True, b"\1\0\0\0" + chance.randbytes(144)), (False, b"\2\0\0\0" + chance.randbytes(88))]
    messages += [(chance.random() < 0.5, b"\4\0\0\0" + chance.randbytes(124)) for _ in range(6)]
    moved = [0, 0]
    for up, data in messages[chance.randrange(2) :]:
        moved[up] += wire.udp(up, client, server, data)
    seen = replay(wire.frames, tmp_path)
    (flow,) = seen.flows(SERVERS[4])
    assert ends(flow) == (DEVICES[4], client, SERVERS[4], server)
    assert sizes(flow) == (moved[True], moved[False])
    assert seen.blind() == {"vpn": float(sum(moved))}


def tag(kind: int, number: int) -> bytes:
    return struct.pack("!HH", kind, number)


stacks = st.lists(st.tuples(st.sampled_from((0x8100, 0x88A8, 0x9100)), st.integers(1, 4094)), max_size=2)


@given(stacks, stacks, st.booleans())
@quick
def test_one_tuple_on_two_vlans_is_two_flows(
    tmp_path: Path, first: list[tuple[int, int]], second: list[tuple[int, int]], between: bool
) -> None:
    numbers = [[number for _, number in stack] for stack in (first, second)]
    if numbers[0] == numbers[1]:
        second = [(0x8100, numbers[1][0] % 4094 + 1)] if numbers[1] else [(0x8100, 7)]
    wires = [Wire(tags=b"".join(tag(*one) for one in stack)) for stack in (first, second)]
    moved = [wire.hello(50_123) for wire in wires]
    frames = wires[0].frames + wires[1].frames
    if between:
        frames = [frame for pair in zip(wires[0].frames, wires[1].frames, strict=True) for frame in pair]
    seen = replay([(START + turn / 1000, data) for turn, (_, data) in enumerate(frames)], tmp_path)
    assert [sizes(flow) for flow in seen.of("flow")] == moved
    assert seen.names() == [NAME, NAME]


@given(st.lists(st.floats(0.1, 400_000), min_size=1, max_size=3), st.booleans())
@quick
def test_a_name_lives_as_long_as_its_connection_rests(tmp_path: Path, rests: list[float], busy: bool) -> None:
    wire = Wire()
    up, down = wire.hello(50_123)
    for rest in rests:
        if busy:
            # Another device's traffic makes the clock go on.
            other = Wire()
            other.server = ipaddress.ip_address("203.0.113.99").packed
            for step in range(1, 20):
                other.at = wire.at + rest * step / 20
                other.udp(True, 40_000, 9_999, b"x")
            wire.frames += other.frames
        wire.at += rest
        up += wire.tcp(True, 50_123, 443, wire.next, TCP_ACK | PSH, b"\x17" * 40)
        down += wire.tcp(False, 50_123, 443, 91, TCP_ACK | PSH, b"\x17" * 900)
        wire.next += 40
    flows = replay(wire.frames, tmp_path).flows(SERVERS[4])
    assert tuple(map(sum, zip(*map(sizes, flows), strict=True))) == (up, down)
    assert set(owners(flows)) == {NAMED}


@given(st.integers(2, (1 << 32) - 2), st.booleans(), st.floats(0, 20), st.booleans())
@quick
def test_a_reset_with_another_number_ends_nothing(
    tmp_path: Path, distance: int, from_client: bool, rest: float, data: bool
) -> None:
    """RFC 5961 section 3.2: only the number that comes next resets."""
    wire = Wire()
    up, down = wire.hello(50_123)
    due = wire.next if from_client else 91
    number = (due + distance) & 0xFFFF_FFFF
    size = wire.tcp(from_client, 50_123, 443, number, TCP_RST | TCP_ACK, b"x" * (100 if data else 0))
    wire.at += rest
    up += wire.tcp(True, 50_123, 443, wire.next, TCP_ACK | PSH, b"\x17" * 40)
    down += wire.tcp(False, 50_123, 443, 91, TCP_ACK | PSH, b"\x17" * 900)
    (flow,) = replay(wire.frames, tmp_path).flows(SERVERS[4])
    assert sizes(flow) == (up + size * from_client, down + size * (not from_client))
    assert owner(flow) == NAMED
