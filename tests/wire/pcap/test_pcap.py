"""Classic capture files, made by hand and by scapy."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.model import Frame
from monitor.wire.pcap.classic import PcapParser, is_pcap

RECORDS = [(1_700_000_000, 250_000, b"first"), (1_700_000_001, 999_999, b""), (1_700_000_002, 1, b"third" * 400)]


def capture(order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1, extra: bytes = b"") -> bytes:
    file = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)
    for seconds, fraction, data in RECORDS:
        file += struct.pack(order + "IIII", seconds, fraction, len(data), len(data) + 7) + extra + data
    return file


def read(file: bytes) -> tuple[list[Frame], PcapParser, ErrorCounts]:
    errors = ErrorCounts()
    parser = PcapParser(errors)
    frames = parser.feed(file)
    parser.close()
    return frames, parser, errors


def facts(frames: list[Frame]) -> list[tuple[int, float, int, int, bytes]]:
    return [(one.number, one.time, one.link, one.length, one.data) for one in frames]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "ticks"), [(0xA1B2C3D4, 1e6), (0xA1B23C4D, 1e9), (0x1C0001AC, 1e9)])
def test_both_byte_orders_and_both_clocks(order: str, magic: int, ticks: float) -> None:
    frames, parser, errors = read(capture(order, magic))
    assert is_pcap(capture(order, magic)[:4])
    assert [one.data for one in frames] == [data for _, _, data in RECORDS]
    assert [one.time for one in frames] == pytest.approx([s + f / ticks for s, f, _ in RECORDS], abs=1e-6)
    assert [one.length for one in frames] == [len(data) + 7 for _, _, data in RECORDS]
    assert [one.number for one in frames] == [1, 2, 3]
    assert parser.complaint == ""
    assert errors.counts == {}


def test_records_with_kuznetzovs_longer_headers() -> None:
    frames, parser, _ = read(capture(magic=0xA1B2CD34, extra=bytes(8)))
    assert [one.data for one in frames] == [data for _, _, data in RECORDS]
    assert parser.complaint == ""


def test_the_link_type_leaves_the_check_sequence_length_out() -> None:
    frames, _, _ = read(capture(link=0x5400_0071))
    assert {one.link for one in frames} == {0x71}


@given(st.lists(st.integers(0, len(capture())), max_size=8))
def test_any_split_gives_the_same_frames(cuts: list[int]) -> None:
    file = capture()
    edges = [0, *sorted(cuts), len(file)]
    parser = PcapParser(ErrorCounts())
    frames: list[Frame] = []
    for begin, end in itertools.pairwise(edges):
        frames += parser.feed(file[begin:end])
    parser.close()
    assert facts(frames) == facts(read(file)[0])
    assert parser.complaint == ""


@given(st.integers(0, len(capture()) - 1))
def test_a_file_that_was_cut_keeps_its_whole_frames_and_says_so(end: int) -> None:
    frames, parser, errors = read(capture()[:end])
    assert facts(frames) == facts(read(capture())[0])[: len(frames)]
    boundaries, at = {24}, 24
    for _, _, data in RECORDS:
        at += 16 + len(data)
        boundaries.add(at)
    assert (parser.complaint == "") == (end in boundaries)
    assert (errors.counts == {}) == (end in boundaries)


def test_a_length_that_cannot_be_ends_the_file() -> None:
    broken = capture() + struct.pack("<IIII", 1, 2, 1_000_000, 1_000_000) + capture()
    frames, parser, errors = read(broken)
    assert len(frames) == 3
    assert parser.complaint == "record 4 claims 1000000 bytes"
    assert errors.counts == {("pcap", "malformed"): 1}
    assert parser.feed(capture()) == []


@given(st.binary(max_size=200), st.sampled_from([b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b""]))
def test_any_bytes_give_frames_or_a_complaint(rest: bytes, magic: bytes) -> None:
    frames, parser, _ = read(magic + rest)
    assert all(one.length >= len(one.data) for one in frames)
    assert parser.complaint or parser.link >= 0
