"""What a SYN or SYN-ACK agrees on, and which later segments the receiver's TCP drops because of it.

Tools that evade a gateway send segments that the gateway reads and the server drops. A segment is left out only where
every server drops it: what may be dropped or not (a bad checksum behind an offload, a low TTL) is read, and two hellos
for one place in the stream are both reported.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.model import TCP_ACK, TCP_RST, Packet
from monitor.wire.integers import four, two

SEQUENCE_MASK: Final = 0xFFFF_FFFF
HALF_OF_SEQUENCES: Final = 0x8000_0000

TCP_HEADER: Final = 20
END: Final = 0
PADDING: Final = 1
WINDOW_SCALE: Final = 3
TIMESTAMPS: Final = 8
MD5_SIGNATURE: Final = 19
AUTHENTICATION: Final = 29
FAST_OPEN: Final = 34
# Padding, padding, timestamps: the options of most segments (RFC 7323 appendix A).
USUAL: Final = b"\x01\x01\x08\x0a"

NO_CLOCK: Final = -1
NO_SCALE: Final = -1
# RFC 7323 section 2.3.
SCALE_MAX: Final = 14
# An acknowledgment may be so far ahead of what was seen of the server, as the capture may have lost segments of it.
AHEAD_MAX: Final = 65_535
# RFC 5961 section 5.2 allows what lies the largest window behind; none is smaller than this without scaling.
WINDOW_MIN: Final = 65_535


@mypyc_attr(acyclic=True)
@final
class Options:
    """TCP options (RFC 9293 section 3.2). `clock` is TSval, `cookie` the length of a Fast Open cookie."""

    __slots__ = ("clock", "cookie", "scale", "signed")

    def __init__(self) -> None:
        self.clock = NO_CLOCK
        self.scale = NO_SCALE
        self.cookie = 0
        self.signed = False


def read_options(data: bytes, at: int, end: int) -> Options:
    """The options at `data[at:end]`; what is behind a broken one is not read."""
    options = Options()
    while at < end and data[at] != END:
        kind = data[at]
        if kind == PADDING:
            at += 1
            continue
        if at + 2 > end or data[at + 1] < 2 or at + data[at + 1] > end:
            return options
        length = data[at + 1]
        if kind == TIMESTAMPS and length == 10:
            options.clock = four(data, at + 2)
        elif kind == WINDOW_SCALE and length == 3:
            options.scale = min(data[at + 2], SCALE_MAX)
        elif kind in (MD5_SIGNATURE, AUTHENTICATION):
            options.signed = True
        elif kind == FAST_OPEN:
            options.cookie = length - 2
        at += length
    return options


@mypyc_attr(acyclic=True)
@final
class Syn:
    """A SYN, or with `answers` a SYN-ACK. `first` is the sequence number of the byte behind it.

    `window` is what its sender offers, in bytes. `data` came with the SYN (RFC
    7413); `packet` is there with it alone. `agreed` is true once the other end has acknowledged this SYN; `older` is
    another SYN of the same ports that came before and may still be the connection's. `time` is when it was seen.
    """

    __slots__ = ("agreed", "answers", "data", "first", "older", "options", "packet", "time", "window")

    def __init__(self, sequence: int, answers: bool, options: Options, window: int) -> None:
        self.first = (sequence + 1) & SEQUENCE_MASK
        self.answers = answers
        self.options = options
        self.window = window
        self.agreed = False
        self.time = 0.0
        self.older: Syn | None = None
        self.data = b""
        self.packet: Packet | None = None


def is_dropped(
    flags: int, acknowledgment: int, window: int, options: Options | None, own: Syn | None, other: Syn | None, sent: int
) -> bool:
    """Whether the receiver drops a segment with data, whatever server it is.

    `own` is the SYN of the sender, `other` that of the receiver, each None where it was not seen. `sent` are the bytes
    that were seen of the receiver, -1 where they are not known; `window` is the field of the segment's header.
    """
    if flags & TCP_RST or not flags & TCP_ACK:
        # RFC 9293 section 3.10.7.4: fifth, and second; Linux and BSD ignore the data of a reset.
        return True
    if options is not None and own is not None and is_unagreed(options, own, other):
        return True
    return sent >= 0 and other is not None and is_out_of_window(acknowledgment, window, own, other, sent)


def is_unagreed(options: Options, own: Syn, other: Syn | None) -> bool:
    """A signature that the SYN had not (RFC 2385 section 2.0), or an old timestamp (RFC 7323 section 5.3, PAWS)."""
    if options.signed and not own.options.signed:
        return True
    if options.clock < 0 or own.options.clock < 0 or other is None or other.options.clock < 0:
        return False
    return (options.clock - own.options.clock) & SEQUENCE_MASK >= HALF_OF_SEQUENCES


def is_out_of_window(acknowledgment: int, window: int, own: Syn | None, other: Syn, sent: int) -> bool:
    """RFC 5961 section 5.2: what acknowledges data that was never sent, or is older than the largest window.

    Windows before this segment's may have been larger, but the client has hardly sent anything yet.
    """
    ahead = (acknowledgment - other.first) & SEQUENCE_MASK
    if ahead < HALF_OF_SEQUENCES:
        return ahead > sent + AHEAD_MAX
    if own is None:
        return False
    scale = own.options.scale if own.options.scale > 0 and other.options.scale >= 0 else 0
    return SEQUENCE_MASK + 1 - ahead > max(WINDOW_MIN, own.window, window << scale)


def read_header(data: bytes, header: int, start: int) -> tuple[int, Options | None]:
    """The window field, not scaled, and the options of the TCP header at `header`, whose payload is at `start`.

    0 and None where `header` is -1, because nothing is known of it; None where there are no options.
    """
    if header < 0:
        return 0, None
    at = header + TCP_HEADER
    return two(data, header + 14), read_options(data, at, start) if at < start else None
