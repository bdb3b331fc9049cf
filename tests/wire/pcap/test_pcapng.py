"""Block-structured capture files, made by hand."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.model import Frame
from monitor.wire.pcap.pcapng import PcapngParser, is_pcapng


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int, *options: tuple[int, bytes], snap_length: int = 0) -> bytes:
    body = struct.pack(order + "HHI", link, 0, snap_length)
    for code, value in (*options, (0, b"")):
        body += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(order, 1, body)


def enhanced(order: str, index: int, stamp: int, data: bytes, length: int = 0) -> bytes:
    head = struct.pack(order + "IIIII", index, stamp >> 32, stamp & 0xFFFFFFFF, len(data), length or len(data))
    return block(order, 6, head + data)


def simple(order: str, data: bytes, length: int) -> bytes:
    return block(order, 3, struct.pack(order + "I", length) + data)


def obsolete(order: str, index: int, stamp: int, data: bytes) -> bytes:
    head = struct.pack(order + "HHIIII", index, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
    return block(order, 2, head + data)


def capture(order: str) -> bytes:
    return (
        section(order)
        + interface(order, 1, (2, b"eth0"), (9, b"\x06"))
        + interface(order, 113, (2, b"any"), (9, b"\x09"))
        + enhanced(order, 0, 1_700_000_000_250_000, b"one")
        + block(order, 5, bytes(8))
        + enhanced(order, 1, 1_700_000_001_500_000_000, b"second", 900)
        + obsolete(order, 0, 1_700_000_002_000_000, b"third")
    )


def read(file: bytes) -> tuple[list[Frame], PcapngParser, ErrorCounts]:
    errors = ErrorCounts()
    parser = PcapngParser(errors)
    frames = parser.feed(file)
    parser.close()
    return frames, parser, errors


def facts(frames: list[Frame]) -> list[tuple[int, float, int, int, int, bytes]]:
    return [(one.number, one.time, one.link, one.interface, one.length, one.data) for one in frames]


@pytest.mark.parametrize("order", ["<", ">"])
def test_interfaces_clocks_and_packet_blocks(order: str) -> None:
    frames, parser, errors = read(capture(order))
    assert is_pcapng(capture(order)[:4])
    assert facts(frames) == [
        (1, 1_700_000_000.25, 1, 0, 3, b"one"),
        (2, 1_700_000_001.5, 113, 1, 900, b"second"),
        (3, 1_700_000_002.0, 1, 0, 5, b"third"),
    ]
    assert parser.interfaces == ["eth0", "any"]
    assert parser.complaint == ""
    assert errors.counts == {}


def test_sections_have_their_own_byte_order_and_interfaces() -> None:
    frames, parser, _ = read(capture("<") + capture(">"))
    assert [one.interface for one in frames] == [0, 1, 0, 2, 3, 2]
    assert [one.number for one in frames] == [1, 2, 3, 4, 5, 6]
    assert parser.interfaces == ["eth0", "any", "eth0", "any"]


def test_a_simple_packet_is_cut_to_the_snap_length_and_has_the_time_before_it() -> None:
    file = (
        section("<") + interface("<", 1, snap_length=4) + enhanced("<", 0, 5_000_000, b"one") + simple("<", b"abcd", 60)
    )
    frames, _, _ = read(file)
    assert facts(frames)[1] == (2, 5.0, 1, 0, 60, b"abcd")


@pytest.mark.parametrize(
    ("options", "stamp", "time"),
    [
        ([(9, b"\x03")], 1_500, 1.5),
        ([(9, b"\x00")], 7, 7.0),
        ([(9, b"\x8a")], 1_536, 1.5),
        ([(14, struct.pack("<q", 1_000))], 500_000, 1_000.5),
        ([(14, struct.pack("<q", -10))], 20_000_000, 10.0),
        ([(9, b"\xff")], 1, 0.0),
    ],
)
def test_resolution_and_offset_of_time_stamps(options: list[tuple[int, bytes]], stamp: int, time: float) -> None:
    frames, _, _ = read(section("<") + interface("<", 1, *options) + enhanced("<", 0, stamp, b"x"))
    assert frames[0].time == pytest.approx(time)


def test_a_frame_of_an_interface_that_nobody_described_is_counted_not_kept() -> None:
    frames, _, errors = read(section("<") + interface("<", 1) + enhanced("<", 5, 0, b"x") + enhanced("<", 0, 0, b"y"))
    assert [(one.number, one.data) for one in frames] == [(2, b"y")]
    assert errors.counts == {("pcap", "unknown_interface"): 1}


@pytest.mark.parametrize(
    "broken",
    [
        struct.pack("<II", 6, 4),
        struct.pack("<II", 6, 0xFFFFFFF0),
        block("<", 6, bytes(8)),
        enhanced("<", 0, 0, b"x").replace(struct.pack("<II", 1, 1), struct.pack("<II", 99, 99)),
        section("<")[:8] + b"\1\2\3\4",
    ],
)
def test_a_block_that_cannot_be_ends_the_file_and_keeps_what_came_before(broken: bytes) -> None:
    frames, parser, errors = read(capture("<") + broken + bytes(12))
    assert len(frames) == 3
    assert parser.complaint
    assert errors.counts == {("pcap", "malformed"): 1}


@pytest.mark.parametrize("order", ["<", ">"])
@given(data=st.data())
def test_any_split_gives_the_same_frames(order: str, data: st.DataObject) -> None:
    file = capture(order)
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(file)), max_size=8))), len(file)]
    parser = PcapngParser(ErrorCounts())
    frames: list[Frame] = []
    for begin, end in itertools.pairwise(edges):
        frames += parser.feed(file[begin:end])
    parser.close()
    assert facts(frames) == facts(read(file)[0])
    assert parser.complaint == ""


@given(st.integers(0, len(capture("<")) - 1), st.binary(min_size=1, max_size=8))
def test_any_damage_gives_frames_or_a_complaint(at: int, damage: bytes) -> None:
    file = capture("<")
    frames, _, _ = read(file[:at] + damage + file[at + len(damage) :])
    assert all(one.length >= len(one.data) for one in frames)
