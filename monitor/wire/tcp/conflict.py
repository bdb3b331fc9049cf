"""Handles segments with different bytes for one position of a stream: all readings that the receiver may have.

It is unknown which of the segments reaches the receiver: a sender may give some of them a low hop limit or a wrong
checksum, so that they are dropped on the path. These readings are examined: the bytes that came first; those that came
last; the newest segment with the first bytes around it; and each kind of segments separately. Segments are of one kind
if they have the same hop limit, acknowledgment number and length of header, and all or none have a correct checksum.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import KEY_V4, Observation, Packet
from monitor.wire.tcp.stream_classifier import StreamClassifier

# Kept segments of one stream, and the maximum of repeated readings after new segments.
PARTS_MAX: Final = 64
TRIES_MAX: Final = 32
KINDS_MAX: Final = 8
# The cost of a segment in addition to its bytes.
PART_OVERHEAD: Final = 256
PROTOCOL_TCP: Final = 6


@mypyc_attr(acyclic=True)
@final
class Part:
    """A segment: `number` is that of its first byte, its bytes are `frame[start:end]`.

    Its TCP header begins at `header` of `frame`, -1 if unknown.
    """

    __slots__ = ("end", "frame", "header", "number", "packet", "start")

    def __init__(self, number: int, packet: Packet, frame: bytes, header: int, start: int, end: int) -> None:
        self.number = number
        self.end = end
        self.packet = packet
        self.frame = frame
        self.header = header
        self.start = start

    def behind(self) -> int:
        """Returns the number after its last byte."""
        return self.number + self.end - self.start

    def piece(self, low: int, high: int) -> bytes:
        """Returns its bytes from the number `low` up to `high`."""
        at = self.start - self.number
        return self.frame[at + low : at + high]


def differs(parts: list[Part], number: int, data: bytes) -> bool:
    """Whether a segment has other bytes for a position in `data`, whose first byte has this number."""
    end = number + len(data)
    for part in parts:
        low = max(part.number, number)
        high = min(part.behind(), end)
        if low < high and part.piece(low, high) != data[low - number : high - number]:
            return True
    return False


def readings(parts: list[Part], first: int) -> list[bytes]:
    """Returns the distinct readings of the stream: each has its bytes from the number `first` up to the first hole."""
    kinds: dict[tuple[int, int, int], list[Part]] = {}
    for part in parts:
        hops = part.packet.hops
        kind = (hops if is_sound(part) else -1 - hops, part.packet.acknowledgment, part.start - part.header)
        if kind in kinds:
            kinds[kind].append(part)
        elif len(kinds) < KINDS_MAX:
            kinds[kind] = [part]
    found: list[bytes] = []
    for chosen in [*kinds.values(), parts, parts[::-1], [parts[len(parts) - 1], *parts]]:
        reading = assemble(chosen, first)
        if reading and reading not in found:
            found.append(reading)
    return found


def assemble(parts: list[Part], first: int) -> bytes:
    """Returns the bytes from `first` up to the first hole. If parts overlap, uses the one that is first in `parts`."""
    # The parts may be 2 GiB apart. A reading without holes is no longer than all of them together.
    size = min(
        max([part.behind() for part in parts], default=first) - first, sum([part.end - part.start for part in parts])
    )
    if size <= 0:
        return b""
    content = bytearray(size)
    known = bytearray(size)
    for part in parts[::-1]:
        low = max(part.number, first)
        high = min(part.behind(), first + size)
        if low < high:
            content[low - first : high - first] = part.piece(low, high)
            known[low - first : high - first] = b"\1" * (high - low)
    hole = known.find(0)
    return bytes(content if hole < 0 else content[:hole])


def read(reading: bytes, packet: Packet, like: StreamClassifier) -> list[Observation]:
    """Returns the observations of a reading. Its errors are not counted, because the receiver may have
    another reading.
    """
    dialogue = StreamClassifier(like.limit, like.answers, like.dns_port, ErrorCounts())
    out: list[Observation] = []
    dialogue.take(packet, reading, 0, len(reading), out)
    return out


def is_sound(part: Part) -> bool:
    """Whether the checksum is correct (RFC 9293 section 3.1); true if part of the segment was not captured."""
    at, frame, packet = part.header, part.frame, part.packet
    end = part.start + packet.payload
    if at < 0 or end > len(frame):
        return True
    half = 4 if len(packet.key) == KEY_V4 else 16
    segment = frame[at:end]
    total = PROTOCOL_TCP + len(segment)
    for data in (packet.key[: 2 * half], segment if len(segment) % 2 == 0 else segment + b"\0"):
        for place in range(0, len(data), 2):
            total += data[place] << 8 | data[place + 1]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF
