"""One direction of a TCP connection: its segments in the order of their bytes, each byte once."""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import Observation, Packet
from monitor.wire import opening
from monitor.wire.assembly import Assembly
from monitor.wire.dialogue import DECIDED, IS_DNS, Dialogue
from monitor.wire.dns_stream import DnsStream
from monitor.wire.handshake import HALF_OF_SEQUENCES, SEQUENCE_MASK, Syn

# A hole in a DNS stream is given up, because the capture lost the segment, once so many segments lie behind it or
# after that time; elsewhere a hole means that the hello is lost.
HOLE_PIECES: Final = 8
HOLE_SECONDS: Final = 1.0
# So many segments in a row that are old or far off mean that the stream has lost its place.
MISSES_MAX: Final = 16
# What a DNS stream that was joined in the middle of a message gets to find the start of one, in segments.
FAILURES_MAX: Final = 8
URGENT_MAX: Final = 16


@final
class Stream:
    """`first` is the sequence number of the first byte, `syn` the SYN before it (None where none was seen).

    `name` is what was reported last. `joined` are the first bytes of a stream whose SYN was not seen, kept while they
    are the beginning of nothing: what lies before them may come later. `urgent` are sequence numbers of bytes that the
    receiver takes out of the stream. Sequence numbers wrap (RFC 9293 section 3.4): they are compared as distances from
    what is expected.
    """

    __slots__ = (
        "assembly", "dialogue", "dns", "errors", "failures", "first", "hole_since", "joined", "limit", "misses", "name",
        "syn", "time", "urgent",
    )  # fmt: skip

    def __init__(self, first: int, syn: Syn | None, dialogue: Dialogue, errors: ErrorCounts) -> None:
        self.first = first
        self.syn = syn
        self.name = b""
        self.joined = b""
        self.urgent: list[int] = []
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
        held = self.dialogue.size() if self.dns is None else self.dns.held
        return self.assembly.held + held + len(self.joined)

    def is_near(self, sequence: int) -> bool:
        """Whether a segment with this sequence number may be of this connection."""
        ahead = (sequence - self.first - self.assembly.position + self.limit) & SEQUENCE_MASK
        return ahead <= 2 * self.limit

    def is_again(self, sequence: int) -> bool:
        """Whether a segment repeats the first byte of what was read already. A message of DNS is read once."""
        return sequence == self.first and self.assembly.position > 0 and self.dns is None

    def accept(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, urgent: int, out: list[Observation]
    ) -> bool:
        """Takes a segment's bytes; `True` once the stream is decided and need not be seen again.

        `urgent` is the sequence number of a byte that is not of the stream, -1 where there is none.
        """
        if urgent >= 0 and urgent not in self.urgent and len(self.urgent) < URGENT_MAX:
            self.urgent.append(urgent)
        return self._accept(packet, data, start, end, sequence, out)

    def _accept(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]) -> bool:
        self.time = packet.time
        assembly = self.assembly
        ahead = (sequence - self.first - assembly.position) & SEQUENCE_MASK
        if ahead >= HALF_OF_SEQUENCES:
            repeated = SEQUENCE_MASK + 1 - ahead
            if self.joined and begins_before(data, start, end):
                return self._join_earlier(packet, data, start, end, sequence, out)
            if repeated >= end - start:
                return self._miss(packet, data, start, end, sequence, out)
            start += repeated
        elif ahead > self.limit:
            return self._miss(packet, data, start, end, sequence, out)
        elif ahead > 0:
            return self._hold(packet, data[start:end], ahead, out)
        self.misses = 0
        assembly.position += end - start
        joins = self.syn is None and assembly.position == end - start
        if self._deliver(packet, data, start, end, out):
            return True
        if joins and self.dialogue.is_watching() and end - start <= self.limit:
            self.joined = data[start:end]
        return len(assembly.offsets) > 0 and self._drain(packet, out)

    def _join_earlier(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]
    ) -> bool:
        """A stream that was joined within a hello: its beginning came behind the rest of it."""
        joined, behind = self.joined, (self.first - sequence) & SEQUENCE_MASK
        self.joined = b""
        self.first = sequence
        self.assembly = Assembly()
        self.dialogue = self.dialogue.again()
        self.assembly.hold(behind, joined)
        return self._accept(packet, data, start, end, sequence, out)

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
        return self._accept(packet, data, start, end, sequence, out)

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
        if self.urgent:
            data = without_urgent(data[start:end], (self.first + self.assembly.position - end + start), self.urgent)
            start, end = 0, len(data)
            if not data:
                return False
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


def begins_before(data: bytes, start: int, end: int) -> bool:
    """Whether a segment from before the place where a stream was joined is the beginning of a hello or a request."""
    return end > start and opening.recognise(data[start:end]) in (opening.TLS, opening.HTTP)


def without_urgent(data: bytes, sequence: int, urgent: list[int]) -> bytes:
    """The bytes from this sequence number on without those that the receiver gets out of band."""
    for number in sorted([(one - sequence) & SEQUENCE_MASK for one in urgent], reverse=True):
        if number < len(data):
            data = data[:number] + data[number + 1 :]
    return data
