"""Reads the frames that Initial packets may contain (RFC 9000 section 12.4); only CRYPTO frames are used."""

from typing import Final

from monitor.wire.quic.header import NO_NUMBER, read_number, skip_number

PING: Final = 0x01
ACK: Final = 0x02
ACK_ECN: Final = 0x03
CLOSE: Final = 0x1C
CLOSE_APPLICATION: Final = 0x1D

MALFORMED: Final = -1


def find_crypto(frames: bytes, at: int, crypto: int) -> int:
    """Returns the offset of the fields of the next frame of type `crypto` from `at` on; the length if none is left.

    Returns `MALFORMED` for a frame that no Initial packet may contain.
    """
    end = len(frames)
    while at < end:
        kind = frames[at]
        if kind == 0:
            # Section 19.1: padding, usually hundreds of bytes.
            at = end - len(frames[at:].lstrip(b"\0"))
        elif kind == crypto:
            return at + 1 if at + 1 < end else MALFORMED
        elif kind == PING:
            at += 1
        elif kind in (ACK, ACK_ECN):
            at = _skip_acknowledgment(frames, at + 1, end, kind == ACK_ECN)
            if at == MALFORMED:
                return MALFORMED
        else:
            return end if kind in (CLOSE, CLOSE_APPLICATION) else MALFORMED
    return end


def _skip_acknowledgment(frames: bytes, at: int, end: int, ecn: bool) -> int:
    """Section 19.3: largest, delay, number of further ranges, first range; two numbers a range; three counts."""
    numbers = 4
    index = 0
    while index < numbers:
        number = read_number(frames, at, end)
        if number == NO_NUMBER or (index == 2 and number > end):
            return MALFORMED
        if index == 2:
            numbers += 2 * number + (3 if ecn else 0)
        at = skip_number(frames, at)
        index += 1
    return at
