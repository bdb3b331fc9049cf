"""Conntrack's netlink messages as the kernel writes them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import FLOW_END, FLOW_NEW, FLOW_UPDATE, FlowCount, flow_key
from monitor.wire.netlink.conntrack import DONE, MORE, parse_conntrack

PHONE, SERVER, WAN = bytes([192, 168, 1, 7]), bytes([198, 51, 100, 9]), bytes([203, 0, 113, 1])
PHONE_V6, SERVER_V6 = b"\xfd" + bytes(14) + b"\7", b"\x20\x01\x0d\xb8" + bytes(11) + b"\x09"


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def tuple_of(source: bytes, destination: bytes, protocol: int, ports: tuple[int, int] | None) -> bytes:
    first = 1 if len(source) == 4 else 3
    addresses = attribute(0x8001, attribute(first, source) + attribute(first + 1, destination))
    number = attribute(1, bytes([protocol]))
    if ports:
        number += attribute(2, struct.pack("!H", ports[0])) + attribute(3, struct.pack("!H", ports[1]))
    else:
        number += attribute(4, b"\1\2") + attribute(5, b"\x08") + attribute(6, b"\0")
    return addresses + attribute(0x8002, number)


def counters(packets: int, bytes_: int) -> bytes:
    return attribute(1, struct.pack("!Q", packets)) + attribute(2, struct.pack("!Q", bytes_))


def message(kind: int, flags: int, *parts: bytes) -> bytes:
    body = struct.pack("!BBH", 2, 0, 0) + b"".join(parts)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


FLOW = (
    attribute(0x8001, tuple_of(PHONE, SERVER, 6, (50000, 443))),
    attribute(0x8002, tuple_of(SERVER, WAN, 6, (443, 61000))),
    attribute(3, b"\0\0\1\x8e"),
    attribute(0x8009, counters(3, 1234)),
    attribute(0x800A, counters(5, 1 << 33)),
    attribute(7, b"\0\0\0\x1e"),
    attribute(12, struct.pack("!I", 0xDEADBEEF)),
)


def parsed(data: bytes, expected: int = MORE) -> list[FlowCount]:
    out: list[FlowCount] = []
    assert parse_conntrack(data, 12.5, out) == expected
    return out


@pytest.mark.parametrize(
    ("kind", "flags", "state"), [(0x100, 0x600, FLOW_NEW), (0x100, 2, FLOW_UPDATE), (0x102, 0, FLOW_END)]
)
def test_a_translated_flow(kind: int, flags: int, state: int) -> None:
    (flow,) = parsed(message(kind, flags, *FLOW))
    assert (flow.state, flow.time, flow.id) == (state, 12.5, 0xDEADBEEF)
    assert flow.key == flow_key(PHONE, SERVER, 50000, 443, 6)
    assert flow.reply == flow_key(SERVER, WAN, 443, 61000, 6)
    assert (flow.packets_sent, flow.bytes_sent) == (3, 1234)
    assert (flow.packets_reply, flow.bytes_reply) == (5, 1 << 33)


def test_ipv6_and_a_protocol_without_ports() -> None:
    (flow,) = parsed(
        message(
            0x100,
            2,
            attribute(0x8001, tuple_of(PHONE_V6, SERVER_V6, 58, None)),
            attribute(0x8002, tuple_of(SERVER_V6, PHONE_V6, 58, None)),
        )
    )
    assert flow.key == flow_key(PHONE_V6, SERVER_V6, 0, 0, 58)
    assert (flow.bytes_sent, flow.bytes_reply) == (0, 0)


def test_a_dump_ends() -> None:
    done = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
    assert len(parsed(message(0x100, 2, *FLOW) * 3 + done, DONE)) == 3


def test_the_kernel_refuses() -> None:
    assert parsed(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -1), -1) == []
    assert parsed(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, 0), DONE) == []


def test_other_messages_are_passed_over() -> None:
    assert len(parsed(message(0x0A00, 0, b"nft!") + message(0x100, 2, *FLOW))) == 1


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    parse_conntrack(data, 0.0, [])


@given(st.integers(0, 300), st.binary(min_size=1, max_size=4))
def test_a_damaged_message(at: int, damage: bytes) -> None:
    whole = message(0x100, 2, *FLOW)
    parse_conntrack(whole[:at] + damage + whole[at + len(damage) :], 0.0, [])
    parse_conntrack(whole[:at], 0.0, [])
