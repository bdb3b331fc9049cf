"""Readings of a stream whose segments overlap, as pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Packet
from monitor.wire.tcp.conflict import Part, assemble

CONTENT = bytes(range(65, 91))


def part(number: int, data: bytes, packet: Packet) -> Part:
    return Part(number, packet, data, -1, 0, len(data))


@pytest.fixture(scope="module")
def packet() -> Packet:
    return Packet(0.0, 0, 0, b"", bytes(13), 0, 0)


@pytest.mark.parametrize("gap", [1 << 31, 1 << 40])
def test_a_segment_far_ahead_costs_no_memory_for_the_gap(packet: Packet, gap: int) -> None:
    """One forged sequence number made a frame cost seconds and gigabytes."""
    assert assemble([part(0, CONTENT, packet), part(gap, CONTENT, packet)], 0) == CONTENT
    assert assemble([part(gap, CONTENT, packet)], 0) == b""


@given(st.lists(st.tuples(st.integers(-10, 60), st.integers(1, 26)), min_size=1, max_size=8))
def test_a_reading_has_the_bytes_of_the_first_part_up_to_the_first_hole(pieces: list[tuple[int, int]]) -> None:
    frame = Packet(0.0, 0, 0, b"", bytes(13), 0, 0)
    parts = [part(number, bytes([65 + at]) * size, frame) for at, (number, size) in enumerate(pieces)]
    expected = bytearray()
    while covering := [one for one in parts if one.number <= len(expected) < one.behind()]:
        expected += covering[0].frame[:1]
    assert assemble(parts, 0) == bytes(expected)
