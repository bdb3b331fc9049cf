"""Segments with different bytes for one place of a stream: every reading that the receiver may have.

Which of the segments arrives is not known: a low hop limit, or a checksum that the sender's hardware would have
mended, loses some of them on the way. Read are the bytes that came first, those that came last, the newest segment
with what came first around it, and each kind of segments by itself: those with one hop limit, one acknowledgment
number, one length of header, and a right checksum or all with a wrong one.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import KEY_V4, Observation, Packet
from monitor.wire.tcp.stream_classifier import StreamClassifier

# Segments of one stream that are kept, and how often they are read again because another one came.
PARTS_MAX: Final = 64
TRIES_MAX: Final = 32
KINDS_MAX: Final = 8
# What a segment costs beyond its bytes.
PART_OVERHEAD: Final = 256
PROTOCOL_TCP: Final = 6


@mypyc_attr(acyclic=True)
@final
class Part:
    """A segment: `number` is that of its first byte, its bytes are `frame[start:end]`.

    Its TCP header begins at `header` of `frame`, -1 where it is not known.
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
        """The number behind its last byte."""
        return self.number + self.end - self.start

    def piece(self, low: int, high: int) -> bytes:
        """Its bytes from the number `low` up to `high`."""
        at = self.start - self.number
        return self.frame[at + low : at + high]


def differs(parts: list[Part], number: int, data: bytes) -> bool:
    """Whether one of the segments has other bytes for a place in `data`, whose first byte has this number."""
    end = number + len(data)
    for part in parts:
        low = max(part.number, number)
        high = min(part.behind(), end)
        if low < high and part.piece(low, high) != data[low - number : high - number]:
            return True
    return False


def readings(parts: list[Part], first: int) -> list[bytes]:
    """The different beginnings of the stream, without holes, from the byte with the number `first` on."""
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
    """The bytes from `first` on up to a hole; where parts overlap, an earlier one of the list counts."""
    size = max([part.behind() for part in parts], default=first) - first
    if size <= 0:
        return b""
    content = bytearray(size)
    known = bytearray(size)
    for part in parts[::-1]:
        low = max(part.number, first)
        high = part.behind()
        if low < high:
            content[low - first : high - first] = part.piece(low, high)
            known[low - first : high - first] = b"\1" * (high - low)
    hole = known.find(0)
    return bytes(content if hole < 0 else content[:hole])


def read(reading: bytes, packet: Packet, like: StreamClassifier) -> list[Observation]:
    """What a reading shows. What is wrong with one counts nowhere, because the receiver may have another."""
    dialogue = StreamClassifier(like.limit, like.answers, like.dns_port, ErrorCounts())
    out: list[Observation] = []
    dialogue.take(packet, reading, 0, len(reading), out)
    return out


def is_sound(part: Part) -> bool:
    """Whether the checksum is right (RFC 9293 section 3.1); true where part of the segment was not captured."""
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
