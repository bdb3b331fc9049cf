"""TCP options as one number (RFC 9293 section 3.2), however the sender has arranged them."""

import struct

import pytest

from monitor.wire.tcp.handshake import (
    CLOCK,
    NO_OPTIONS,
    SCALE_SHIFT,
    SCALED,
    SEQUENCE_MASK,
    SIGNED,
    TCP_HEADER,
    read_options,
)

CLOCK_VALUE = 0xFFFF_FFFE
STAMPS = b"\x08\x0a" + struct.pack("!II", CLOCK_VALUE, 7)
MD5 = b"\x13\x12" + bytes(16)


def options(content: bytes) -> int:
    frame = b"before" + bytes(TCP_HEADER) + content + b"payload"
    return read_options(frame, 6, 6 + TCP_HEADER + len(content))


@pytest.mark.parametrize(
    "content",
    [b"\1\1" + STAMPS, STAMPS + b"\1\1", STAMPS + b"\0\0", b"\1" + STAMPS + b"\1", b"\2\4\5\xb4\4\2" + STAMPS],
)
def test_the_timestamp_is_found_wherever_it_is(content: bytes) -> None:
    found = options(content)
    assert (found & SEQUENCE_MASK, found & ~SEQUENCE_MASK) == (CLOCK_VALUE, CLOCK)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1\1\1\1",
        b"\0\1" + STAMPS,
        b"\1\1\x08\x0b" + bytes(8),
        b"\1\1\x08\x09" + bytes(8),
        b"\1\1\x08\0" + bytes(8),
    ],
)
def test_nothing_is_read_behind_the_end_or_a_broken_option(content: bytes) -> None:
    assert options(content) == NO_OPTIONS
    assert read_options(content, -1, len(content)) == NO_OPTIONS


@pytest.mark.parametrize(("content", "scale"), [(b"\3\3\7\0", 7), (b"\3\3\0\1", 0), (b"\1\3\3\xff", 14)])
def test_the_window_scale_is_at_most_14(content: bytes, scale: int) -> None:
    assert options(content) == SCALED | scale << SCALE_SHIFT


def test_several_options_are_told_apart() -> None:
    found = options(MD5 + b"\3\3\2\1" + STAMPS)
    assert found == SIGNED | SCALED | CLOCK | 2 << SCALE_SHIFT | CLOCK_VALUE
