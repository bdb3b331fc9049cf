"""Reads one direction of a TCP connection: puts its segments in order and reads each byte once."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import Observation, Packet, Tunnel
from monitor.wire.dns.heuristic import UNREAD
from monitor.wire.dns.over_tcp import DnsStream
from monitor.wire.tcp import protocol_sniffer as opening
from monitor.wire.tcp.assembly import Assembly
from monitor.wire.tcp.conflict import PART_OVERHEAD, PARTS_MAX, Part, differs
from monitor.wire.tcp.handshake import HALF_OF_SEQUENCES, SEQUENCE_MASK, Syn
from monitor.wire.tcp.stream_classifier import DECIDED, IS_DNS, StreamClassifier

# A hole in a DNS stream is given up, because the capture lost the segment, once so many segments lie behind it or
# after that time; elsewhere a hole means that the hello is lost.
HOLE_PIECES: Final = 8
HOLE_SECONDS: Final = 1.0
# After this many consecutive segments that are old or far ahead, the position of the stream is wrong.
MISSES_MAX: Final = 16
# Segments after which a DNS stream that was joined inside a message must have found the start of one.
FAILURES_MAX: Final = 8
# Of a stream on DNS's port a whole message may come before its beginning, in several segments.
DNS_AHEAD_MAX: Final = 2 + 65_535 + HOLE_PIECES * 64
URGENT_MAX: Final = 16


@mypyc_attr(acyclic=True)
@final
class Stream:
    """`first` is the sequence number of the first byte, `syn` the SYN before it (None if none was seen).

    `name` is the last reported name, `names` all of them. `urgent` are sequence numbers of bytes that the receiver
    removes from the stream. Sequence numbers wrap (RFC 9293 section 3.4): they are compared as distances from the
    expected number.

    `parts` are the segments so far, numbered from the sequence number `origin` on; `top` is the number after their last
    byte. `conflicting` is true once two of them have different bytes for one position; `tries` counts how often the
    different readings were checked. `held` is the number of bytes counted for the stream. `before` is the stream of an
    earlier connection on the same ports, whose end was not seen. `later` is true after a request in the connection.
    """

    __slots__ = (
        "assembly", "before", "conflicting", "dialogue", "dns", "errors", "failures", "first", "held", "hole_since",
        "later", "limit", "misses", "name", "names", "origin", "parts", "parts_size", "syn", "time", "top", "tries",
        "urgent",
    )  # fmt: skip

    def __init__(self, first: int, syn: Syn | None, dialogue: StreamClassifier, errors: ErrorCounts) -> None:
        self.first = first
        self.syn = syn
        self.name = b""
        self.names: tuple[bytes, ...] = ()
        self.origin = first
        self.parts: list[Part] = []
        self.parts_size = 0
        self.held = 0
        self.top = 0
        self.tries = 0
        self.conflicting = False
        self.before: Stream | None = None
        self.later = False
        self.urgent: tuple[int, ...] = ()
        self.dialogue = dialogue
        self.limit = max(dialogue.limit, DNS_AHEAD_MAX) if dialogue.dns_port else dialogue.limit
        self.errors = errors
        self.assembly = Assembly()
        self.dns: DnsStream | None = None
        self.failures = 0
        self.misses = 0
        self.hole_since = 0.0
        self.time = 0.0

    def size(self) -> int:
        """Returns the bytes that the stream holds."""
        held = self.dialogue.size() if self.dns is None else self.dns.held
        size = self.assembly.held + held + self.parts_size
        return size if self.before is None else size + self.before.size()

    def is_near(self, sequence: int) -> bool:
        """Whether a segment with this sequence number may belong to this connection."""
        ahead = (sequence - self.first - self.assembly.position + self.limit) & SEQUENCE_MASK
        return ahead <= 2 * self.limit

    def number(self, sequence: int) -> int:
        """Returns the sequence number as a distance from `origin`, negative before it."""
        ahead = (sequence - self.origin) & SEQUENCE_MASK
        return ahead if ahead < HALF_OF_SEQUENCES else ahead - SEQUENCE_MASK - 1

    def may_conflict(self, sequence: int) -> bool:
        """Whether a segment may have other bytes for a position already read, or extend another reading."""
        return self.conflicting or self.before is not None or self.number(sequence) < self.top

    def keep(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, header: int) -> None:
        """Keeps the segment for other readings of the stream; the TCP header begins at `header`."""
        number = self.number(sequence)
        if number < self.top and not self.conflicting:
            self.conflicting = differs(self.parts, number, data[start:end])
        if len(self.parts) >= PARTS_MAX or number > self.limit:
            return
        self.parts.append(Part(number, packet, data, header, start, end))
        self.parts_size += len(data) + PART_OVERHEAD
        if number + end - start > self.top:
            self.top = number + end - start

    def accept(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, urgent: int, out: list[Observation],
        header: int = -1,
    ) -> bool:  # fmt: skip
        """Reads a segment's bytes; returns `True` once the stream is decided and needs no more segments.

        `urgent` is the sequence number of a byte outside of the stream, -1 if there is none.
        """
        if self.dns is None and not self.dialogue.answers:
            self.keep(packet, data, start, end, sequence, header)
        if urgent >= 0 and urgent not in self.urgent and len(self.urgent) < URGENT_MAX:
            self.urgent = (*self.urgent, urgent)
            self.conflicting = self.conflicting or len(self.urgent) > 1
        if self._accept(packet, data, start, end, sequence, out):
            return True
        # The rest of a segment that the capture truncated never arrives.
        is_cut = packet.payload > end - start and self.dns is None
        return is_cut and self.dialogue.give_up_cut(packet, out)

    def _accept(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]) -> bool:
        self.time = packet.time
        assembly = self.assembly
        ahead = (sequence - self.first - assembly.position) & SEQUENCE_MASK
        if ahead >= HALF_OF_SEQUENCES:
            repeated = SEQUENCE_MASK + 1 - ahead
            if self._may_join_earlier(repeated) and begins_before(data, start, end):
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
        if self._deliver(packet, data, start, end, out):
            return True
        return len(assembly.offsets) > 0 and self._drain(packet, out)

    def _may_join_earlier(self, behind: int) -> bool:
        """Whether the stream may be the rest of a ClientHello or request that starts `behind` bytes earlier."""
        return self.syn is None and self.dns is None and behind <= self.limit and not self.dialogue.is_begun()

    def _join_earlier(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]
    ) -> bool:
        """Restarts a stream that was joined inside a ClientHello, because its beginning arrived after the rest."""
        self.first = sequence
        self.assembly = Assembly()
        self.dialogue = self.dialogue.again()
        first = self.number(sequence)
        for part in self.parts:
            if part.number > first:
                self.assembly.hold(part.number - first, part.frame[part.start : part.end])
        return self._accept(packet, data, start, end, sequence, out)

    def _miss(self, packet: Packet, data: bytes, start: int, end: int, sequence: int, out: list[Observation]) -> bool:
        """Handles a segment that repeats known bytes or is too far ahead: it is forged, or the stream's position is
        wrong.

        A SYN without data may belong to an earlier or forged connection.
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
        if len(self.urgent) > 0:
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
        self.parts = []
        self.parts_size = 0
        self.conflicting = False
        opened = self.dialogue.buffer
        self.dialogue.buffer = b""
        return self._feed(packet, self.dns, opened, 0, len(opened), out)

    def _feed(self, packet: Packet, dns: DnsStream, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        """Bytes that are not a message may be the rest of a message whose start was lost: the next segment is read
        as the start of a message.
        """
        before = len(out)
        if dns.feed(packet, data, start, end, out):
            if len(out) > before:
                self.failures = 0
            return False
        dns.reset()
        if self.dialogue.dns_port:
            out.append(Tunnel(packet, UNREAD))
        self.failures += 1
        return self.failures >= FAILURES_MAX


def begins_before(data: bytes, start: int, end: int) -> bool:
    """Whether a segment before the position where a stream was joined may begin a ClientHello or a request."""
    return end > start and opening.recognise(data[start:end]) in (opening.TLS, opening.HTTP, opening.MORE)


def without_urgent(data: bytes, sequence: int, urgent: tuple[int, ...]) -> bytes:
    """Returns the bytes from this sequence number on, without urgent bytes, which the receiver gets out of band."""
    for number in sorted([(one - sequence) & SEQUENCE_MASK for one in urgent], reverse=True):
        if number < len(data):
            data = data[:number] + data[number + 1 :]
    return data
