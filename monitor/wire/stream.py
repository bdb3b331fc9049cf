"""One direction of a TCP connection: its segments in the order of their bytes, each byte once."""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import Observation, Packet
from monitor.wire.assembly import Assembly
from monitor.wire.dialogue import DECIDED, IS_DNS, Dialogue
from monitor.wire.dns_stream import DnsStream

SEQUENCE_MASK: Final = 0xFFFF_FFFF
HALF_OF_SEQUENCES: Final = 0x8000_0000

# A hole in a DNS stream is given up, because the capture lost the segment, once so many segments lie behind it or
# after that time; elsewhere a hole means that the hello is lost.
HOLE_PIECES: Final = 8
HOLE_SECONDS: Final = 1.0
# So many segments in a row that are old or far off mean that the stream has lost its place.
MISSES_MAX: Final = 16
# What a DNS stream that was joined in the middle of a message gets to find the start of one, in segments.
FAILURES_MAX: Final = 8


@final
class Stream:
    """`first` is the sequence number of the first byte, `initial` that of the SYN (-1 where none was seen).

    Sequence numbers wrap (RFC 9293 section 3.4): they are compared as distances from what is expected.
    """

    __slots__ = (
        "assembly", "dialogue", "dns", "errors", "failures", "first", "hole_since", "initial", "limit", "misses",
        "time",
    )  # fmt: skip

    def __init__(self, first: int, initial: int, dialogue: Dialogue, errors: ErrorCounts) -> None:
        self.first = first
        self.initial = initial
        self.dialogue = dialogue
        self.limit = dialogue.limit
        self.errors = errors
        self.assembly = Assembly()
        self.dns: DnsStream | None = None
        self.failures = 0
        self.misses = 0
        self.hole_since = 0.0
        self.time = 0.0

    def size(self) -> int:
        """The bytes that the stream holds."""
        return self.assembly.held + (self.dialogue.size() if self.dns is None else self.dns.held)

    def accept(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]) -> bool:
        """Takes a segment's bytes; `True` once the stream is decided and need not be seen again."""
        self.time = packet.time
        assembly = self.assembly
        ahead = (sequence - self.first - assembly.position) & SEQUENCE_MASK
        if ahead >= HALF_OF_SEQUENCES:
            repeated = SEQUENCE_MASK + 1 - ahead
            if repeated >= end - start:
                return self._miss(packet, data, start, end, sequence, out)
            start += repeated
        elif ahead > self.limit:
            return self._miss(packet, data, start, end, sequence, out)
        elif ahead > 0:
            return self._hold(packet, data[start:end], ahead, out)
        self.misses = 0
        assembly.position += end - start
        if self._deliver(packet, data, start, end, out):
            return True
        return len(assembly.offsets) > 0 and self._drain(packet, out)

    def _miss(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]) -> bool:
        """A segment that repeats what is known, or lies too far ahead: forged, or ours is the wrong place.

        A SYN that nothing followed may have been of an earlier or forged connection.
        """
        self.misses += 1
        distance = (sequence - self.first) & SEQUENCE_MASK
        unused = self.assembly.position == 0 and not self.assembly.offsets
        misplaced = unused and self.limit < distance < SEQUENCE_MASK - self.limit
        if not misplaced and self.misses < MISSES_MAX:
            return False
        self.errors.add("tcp", "hole")
        if self.dns is None and not misplaced:
            return True
        if self.dns is not None:
            self.dns.reset()
        self.assembly = Assembly()
        self.first = sequence
        return self.accept(packet, data, start, end, sequence, out)

    def _hold(self, packet: Packet, piece: bytes, ahead: int, out: list[Observation]) -> bool:
        assembly = self.assembly
        if not assembly.offsets:
            self.hole_since = packet.time
        assembly.hold(assembly.position + ahead, piece)
        if self.dns is not None:
            return self._is_hole_lasting(packet) and self._skip_hole(packet, self.dns, out)
        if assembly.held <= self.limit:
            return False
        self.errors.add("tcp", "hole")
        return True

    def _is_hole_lasting(self, packet: Packet) -> bool:
        return len(self.assembly.offsets) >= HOLE_PIECES or packet.time - self.hole_since > HOLE_SECONDS

    def _skip_hole(self, packet: Packet, dns: DnsStream, out: list[Observation]) -> bool:
        self.errors.add("tcp", "hole")
        dns.reset()
        self.assembly.skip_hole()
        return self._drain(packet, out)

    def _drain(self, packet: Packet, out: list[Observation]) -> bool:
        while True:
            piece = self.assembly.take()
            if not piece:
                self.hole_since = packet.time
                return False
            if self._deliver(packet, piece, 0, len(piece), out):
                return True

    def _deliver(self, packet: Packet, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        if self.dns is not None:
            return self._feed(packet, self.dns, data, start, end, out)
        found = self.dialogue.take(packet, data, start, end, out)
        if found != IS_DNS:
            return found == DECIDED
        self.dns = DnsStream(self.errors)
        opened = self.dialogue.buffer
        self.dialogue.buffer = b""
        return self._feed(packet, self.dns, opened, 0, len(opened), out)

    def _feed(self, packet: Packet, dns: DnsStream, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        """What is no message may be the rest of one whose start was lost: the next segment gets a new chance."""
        before = len(out)
        if dns.feed(packet, data, start, end, out):
            if len(out) > before:
                self.failures = 0
            return False
        dns.reset()
        self.failures += 1
        return self.failures >= FAILURES_MAX
