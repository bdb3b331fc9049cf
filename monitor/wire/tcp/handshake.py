"""Reads what a SYN and SYN-ACK negotiate, and decides which later segments the receiver's TCP drops because of it.

Evasion tools send segments that the gateway reads and the server drops. A segment is ignored only if every server drops
it: a segment that may be dropped or not (a bad checksum after an offload, a low TTL) is read, and two ClientHellos for
one position of the stream are both reported.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from monitor.model import TCP_ACK, TCP_RST, Packet
from monitor.wire.integers import four, two

SEQUENCE_MASK: Final = 0xFFFF_FFFF
HALF_OF_SEQUENCES: Final = 0x8000_0000

TCP_HEADER: Final = 20
END: Final = 0
PADDING: Final = 1
WINDOW_SCALE: Final = 3
TIMESTAMPS: Final = 8
TIMESTAMPS_SIZE: Final = 10
MD5_SIGNATURE: Final = 19
AUTHENTICATION: Final = 29
# Padding, padding, timestamps: the options of most segments (RFC 7323 appendix A).
USUAL: Final = 0x0101_080A
USUAL_SIZE: Final = 12

# Options as one number: TSval in the low 32 bits, then flags of the options present, then the window scale.
NO_OPTIONS: Final = 0
CLOCK: Final = 1 << 32
SIGNED: Final = 1 << 33
SCALED: Final = 1 << 34
SCALE_SHIFT: Final = 35
# RFC 7323 section 2.3.
SCALE_MAX: Final = 14
# An acknowledgment may be this far ahead of the bytes seen from the server, because the capture may lose segments.
AHEAD_MAX: Final = 65_535
# RFC 5961 section 5.2 accepts numbers up to the largest window behind; without scaling this is the maximum window.
WINDOW_MIN: Final = 65_535


def read_options(data: bytes, header: int, start: int) -> int:
    """Returns the options (RFC 9293 section 3.2) of the TCP header at `header`, whose payload is at `start`, as one
    number.

    Returns `NO_OPTIONS` if there are none, or if `header` is -1 (unknown). Options after a broken option are not read.
    """
    if header < 0:
        return NO_OPTIONS
    at: i64 = header + TCP_HEADER
    size: i64 = start - at
    if size <= 0:
        return NO_OPTIONS
    if size == USUAL_SIZE and four(data, at) == USUAL:
        return CLOCK | four(data, at + 4)
    return _read_each_option(data, at, start)


def _read_each_option(data: bytes, at: int, end: int) -> int:
    clock = flags = scale = 0
    while at < end and data[at] != END:
        kind = data[at]
        if kind == PADDING:
            at += 1
            continue
        if at + 2 > end or data[at + 1] < 2 or at + data[at + 1] > end:
            break
        length = data[at + 1]
        if kind == TIMESTAMPS and length == TIMESTAMPS_SIZE:
            clock = four(data, at + 2)
            flags |= CLOCK
        elif kind == WINDOW_SCALE and length == 3:
            scale = min(data[at + 2], SCALE_MAX)
            flags |= SCALED
        elif kind in (MD5_SIGNATURE, AUTHENTICATION):
            flags |= SIGNED
        at += length
    return clock | flags | scale << SCALE_SHIFT


@mypyc_attr(acyclic=True)
@final
class Syn:
    """A SYN, or with `answers` a SYN-ACK. `first` is the sequence number of the byte after it.

    `window` is the sender's receive window, in bytes. `data` was sent with the SYN (RFC 7413); only then `packet` is
    set. `agreed` is true once the other end has acknowledged this SYN; `back` is then the stream key of the other end.
    `older` is an earlier SYN of the same ports that may still be the connection's. `time` is when it was seen.
    """

    __slots__ = ("agreed", "answers", "back", "data", "first", "older", "options", "packet", "time", "window")

    def __init__(self, sequence: int, answers: bool, options: int, window: int, time: float) -> None:
        self.first = (sequence + 1) & SEQUENCE_MASK
        self.answers = answers
        self.options = options
        self.window = window
        self.agreed = False
        self.back = b""
        self.time = time
        self.older: Syn | None = None
        self.data = b""
        self.packet: Packet | None = None


def is_dropped(
    flags: int, acknowledgment: int, window: int, options: int, own: Syn | None, other: Syn | None, sent: int
) -> bool:
    """Whether every server drops a segment with data.

    `own` is the SYN of the sender, `other` that of the receiver, each None if it was not seen. `sent` are the bytes
    seen from the receiver, -1 if unknown; `window` is the field of the segment's header.
    """
    if flags & TCP_RST or not flags & TCP_ACK:
        # RFC 9293 section 3.10.7.4: fifth, and second; Linux and BSD ignore the data of a reset.
        return True
    if own is not None and is_unagreed(options, own, other):
        return True
    return sent >= 0 and other is not None and is_out_of_window(acknowledgment, window, own, other, sent)


def is_unagreed(options: int, own: Syn, other: Syn | None) -> bool:
    """Whether the segment has a signature that the SYN lacked (RFC 2385 section 2.0), or an old timestamp (RFC 7323
    section 5.3, PAWS).
    """
    if options & SIGNED and not own.options & SIGNED:
        return True
    if other is None or not options & own.options & other.options & CLOCK:
        return False
    return (options - own.options) & SEQUENCE_MASK >= HALF_OF_SEQUENCES


def is_out_of_window(acknowledgment: int, window: int, own: Syn | None, other: Syn, sent: int) -> bool:
    """Whether the segment acknowledges data that was never sent, or older data than the largest window (RFC 5961
    section 5.2).

    Windows before this segment's may have been larger, but the client has hardly sent anything yet.
    """
    ahead = (acknowledgment - other.first) & SEQUENCE_MASK
    if ahead < HALF_OF_SEQUENCES:
        return ahead > sent + AHEAD_MAX
    if own is None:
        return False
    scale = own.options >> SCALE_SHIFT if other.options & SCALED else 0
    return SEQUENCE_MASK + 1 - ahead > max(WINDOW_MIN, own.window, window << scale)


def read_window(data: bytes, header: int) -> int:
    """Returns the unscaled window field of the TCP header at `header`; 0 if `header` is -1 (unknown)."""
    return two(data, header + 14) if header >= 0 else 0
