"""What the gate lets through of a flow towards a server."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.tcp.segment_filter import ELEPHANT_FRAMES, ELEPHANTS_MAX, FLOWS_MAX, WINDOW, SegmentFilter

HELLO = b"\x16\x03\x01\x06\x00\x01\x00\x05\xfc\x03\x03"
START = 1 << 31


def segment(sequence: int, payload: bytes, flags: int = 0x10, port: int = 50000, version: int = 4) -> bytes:
    """An IP packet from the client's `port` to port 443."""
    tcp = struct.pack("!HHIIBBHHH", port, 443, sequence & 0xFFFFFFFF, 1, 0x50, flags, 1000, 0, 0) + payload
    if version == 4:
        return struct.pack("!BxHxxxxBBxx4s4s", 0x45, 20 + len(tcp), 64, 6, b"\n\0\0\1", b"\n\0\0\2") + tcp
    return struct.pack("!BxxxHBB16s16s", 0x60, len(tcp), 6, 64, b"\xfd" + bytes(15), b"\x20" + bytes(14) + b"\1") + tcp


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("first", [START, 0xFFFFFFFF, 0xFFFFFA00])
def test_after_a_syn_the_first_bytes_are_wanted_in_any_order(version: int, first: int) -> None:
    gate = SegmentFilter()
    assert gate.wants(segment(first, b"", 0x02, version=version), 0)
    assert gate.wants(segment(first + 1461, b"second", version=version), 0)
    assert gate.wants(segment(first + 1, HELLO, version=version), 0)
    assert gate.wants(segment(first + WINDOW, b"last", version=version), 0)
    assert not gate.wants(segment(first + 1 + WINDOW, b"upload", version=version), 0)
    assert not gate.wants(segment(first, b"before", version=version), 0)
    assert gate.unwanted == 2


def test_without_a_syn_a_flow_begins_with_its_hello() -> None:
    gate = SegmentFilter()
    assert not gate.wants(segment(START + 1460, b"second"), 0)
    assert gate.wants(segment(START, HELLO), 0)
    assert gate.wants(segment(START + 1460, b"second"), 0)
    assert gate.wants(segment(START + 100_000, b"POST /again HTTP/1.1"), 0)
    assert gate.wants(segment(START + 2920, b"third"), 0)


def test_a_later_request_may_go_on_in_the_segments_behind_it() -> None:
    gate = SegmentFilter()
    gate.wants(segment(START, b"POST / HTTP/1.1"), 0)
    assert not gate.wants(segment(START + 100_000, b"upload"), 0)
    assert gate.wants(segment(START + 200_000, b"GET /again HTTP/1.1"), 0)
    assert gate.wants(segment(START + 200_019, b"Host: www.tiktok.com"), 0)
    assert not gate.wants(segment(START + 100_000, b"upload"), 0)


def test_flows_do_not_mix() -> None:
    gate = SegmentFilter()
    gate.wants(segment(START, HELLO), 0)
    assert not gate.wants(segment(START + 10, b"other", port=50001), 0)
    assert not gate.wants(segment(START + 10, b"other", version=6), 0)


def test_the_oldest_flow_is_forgotten() -> None:
    gate = SegmentFilter()
    gate.wants(segment(START, HELLO, port=1), 0)
    for number in range(FLOWS_MAX):
        gate.wants(segment(START, HELLO, port=2 + number), 0)
    assert not gate.wants(segment(START + 10, b"x", port=1), 0)
    assert gate.wants(segment(START + 10, b"x", port=2), 0)


def test_elephants_are_reported_until_their_next_syn() -> None:
    gate = SegmentFilter()
    for number in range(ELEPHANT_FRAMES):
        gate.wants(segment(number, b"upload"), 0)
        gate.wants(segment(number, b"upload", port=50001), 0)
    gate.wants(segment(0, b"mouse", port=50002), 0)
    mark = (50000 << 16 | 443) ^ 0x0A000001 ^ 0x0A000002
    other = (50001 << 16 | 443) ^ 0x0A000001 ^ 0x0A000002
    assert gate.elephants() == [mark, other]
    assert gate.elephants() is None
    gate.wants(segment(0, b"", 0x02, port=50001), 0)
    for number in range(ELEPHANT_FRAMES):
        gate.wants(segment(number, b"upload", port=50003), 0)
    assert gate.elephants() == [mark, mark ^ 3 << 16]


def test_elephants_are_bounded() -> None:
    gate = SegmentFilter()
    for port in range(1, ELEPHANTS_MAX * 2):
        for number in range(ELEPHANT_FRAMES):
            gate.wants(segment(number, b"upload", port=port), 0)
    marks = gate.elephants()
    assert marks is not None
    assert len(marks) == ELEPHANTS_MAX


def test_what_is_not_tcp_is_the_decoders() -> None:
    gate = SegmentFilter()
    assert gate.wants(b"\x45" + bytes(8) + b"\x11" + bytes(40), 0)
    assert gate.wants(segment(1, b"")[:30], 0)


@given(st.binary(max_size=120), st.integers(0, 60))
def test_any_bytes(data: bytes, network: int) -> None:
    SegmentFilter().wants(data, network)


def test_a_second_syn_may_be_forged_and_takes_no_window_away() -> None:
    """RFC 5961 section 4.2: within a connection a SYN starts nothing."""
    gate = SegmentFilter()
    gate.wants(segment(START, b"", 0x02), 0)
    gate.wants(segment(START + 9_000_000, b"", 0x02), 0)
    assert gate.wants(segment(START + 1461, b"second"), 0)
    assert gate.wants(segment(START + 9_000_100, b"of the other"), 0)
    assert not gate.wants(segment(START + 3_000_000, b"upload"), 0)


def test_a_servers_syn_is_wanted_and_begins_nothing() -> None:
    gate = SegmentFilter()
    assert gate.wants(segment(START, b"", 0x12), 0)
    assert not gate.wants(segment(START + 1, b"upload"), 0)
