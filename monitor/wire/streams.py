"""TCP streams: every direction gets a look at its start, and costs next to nothing once it is decided.

Tables by flow key, each with its maximum, the oldest leaves first:

    opened    SYNs that no data followed yet: a flood of these evicts no stream
    streams   what is being looked at, with its bytes
    others    a second reading of the same beginning: data came again for the first byte of a stream
    decided   what needs no look any more; evicting one costs a second look, never an event

RST and FIN are not believed, as anybody may forge them to hide what follows: tables forget by age. A SYN in an
established connection is not believed either (RFC 5961 section 4.2) until data follows its sequence number.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, TCP_SYN, HttpRequest, Observation, Packet
from monitor.wire.dialogue import Dialogue
from monitor.wire.handshake import (
    HALF_OF_SEQUENCES,
    SEQUENCE_MASK,
    Options,
    Syn,
    is_dropped,
    segment_options,
    window_of,
)
from monitor.wire.http import begins_request
from monitor.wire.readings import NONE, Decided, report, reverse_stream_key, stream_key
from monitor.wire.stream import Stream

DNS_PORT: Final = 53

# The tables of SYNs and of decided streams are that much larger than the table of streams.
NUMBERS_PER_STREAM: Final = 8
# What a stream costs beyond its bytes.
STREAM_OVERHEAD: Final = 512
# RFC 7413 section 4.1: the shortest cookie; data that comes with one is for the application at once.
COOKIE_MIN: Final = 4


@final
class Streams:
    """See the module. `evictions` counts what left a table for lack of room, by table."""

    __slots__ = (
        "bytes_held", "bytes_max", "decided", "errors", "evictions", "numbers_max", "opened", "others", "seconds",
        "stream_bytes", "streams", "streams_max",
    )  # fmt: skip

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self.errors = errors
        self.streams_max = limits.streams
        self.numbers_max = limits.streams * NUMBERS_PER_STREAM
        self.stream_bytes = limits.stream_bytes
        self.bytes_max = limits.streams_bytes
        self.seconds = limits.stream_seconds
        self.bytes_held = 0
        self.opened: dict[bytes, Syn] = {}
        self.streams: dict[bytes, Stream] = {}
        self.others: dict[bytes, Stream] = {}
        self.decided: dict[bytes, Decided] = {}
        self.evictions: dict[str, int] = {"streams": 0, "streams_opened": 0, "streams_decided": 0}

    def segment(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, acknowledgment: int,
        out: list[Observation], header: int = NONE, urgent: int = NONE,
    ) -> None:  # fmt: skip
        """Takes the payload `data[start:end]` of a TCP segment; appends what it completes to `out`.

        `header` is where its TCP header begins, -1 where nothing is known of its options; `urgent` the sequence number
        of a byte that is not part of the stream (RFC 9293 section 3.8.5), -1 where there is none.
        """
        key = packet.key if packet.vlan == 0 else stream_key(packet)
        if packet.flags & TCP_SYN:
            self._open(key, packet, data, start, end, sequence, acknowledgment, out, header)
            return
        decided = self.decided.get(key)
        if decided is not None:
            if not decided.looked_at and sequence != decided.first:
                return
            if not decided.reopened and not self._is_wanted(key, decided, data, start, end, sequence):
                return
        if start >= end:
            return
        opened = self.opened.get(key)
        stream = self.streams.get(key)
        own = stream.syn if opened is None and stream is not None else opened
        options = segment_options(data, header, start)
        if is_dropped(packet.flags, sequence, acknowledgment, options, own, self._syn_of(packet)):
            return
        if opened is not None and (stream is not None or decided is not None):
            if not self._is_opened_again(opened, stream, sequence):
                opened = None
            else:
                self._supersede(key, stream)
                stream = decided = None
        packet.acknowledgment = acknowledgment
        if decided is not None and decided.requests >= 0 and key not in self.others and sequence != decided.first:
            del self.decided[key]
            decided = None
        if decided is None and stream is None:
            # A keep-alive probe repeats one byte before what comes next, usually 0 (RFC 9293 section 3.8.4).
            if end - start == 1 and data[start] == 0 and opened is None:
                return
            stream = self._start(key, packet, sequence, out)
        again = decided is not None and sequence == decided.first
        if stream is not None:
            again = stream.is_again(sequence)
            self._read(key, stream, packet, data, start, end, sequence, urgent, out)
        if again or key in self.others:
            name = stream.name if stream is not None else decided.name if decided is not None else b""
            self._read_other(key, stream, name, packet, data, start, end, sequence, urgent, out)

    def expire(self, now: float) -> None:
        """Forgets the streams that have been silent for `stream_seconds`."""
        oldest = now - self.seconds
        for key in [key for key, stream in self.streams.items() if stream.time < oldest]:
            self._remove(key)
        for key in [key for key, stream in self.others.items() if stream.time < oldest]:
            self._remove_other(key)

    def table_sizes(self) -> dict[str, int]:
        return {
            "streams": len(self.streams) + len(self.others),
            "streams_opened": len(self.opened),
            "streams_decided": len(self.decided),
        }

    def _is_wanted(self, key: bytes, decided: Decided, data: bytes, start: int, end: int, sequence: int) -> bool:
        """Whether a segment of a decided stream may change what is known: its beginning again, or another request."""
        if sequence == decided.first or (self.others and key in self.others):
            return True
        if decided.requests < 0 or (sequence - decided.requests) & SEQUENCE_MASK >= HALF_OF_SEQUENCES:
            return False
        return begins_request(data, start, end)

    def _syn_of(self, packet: Packet) -> Syn | None:
        """The SYN of the other end."""
        key = reverse_stream_key(packet)
        syn = self.opened.get(key)
        if syn is None:
            stream = self.streams.get(key)
            syn = stream.syn if stream is not None else None
        return syn

    def _open(
        self, key: bytes, packet: Packet, data: bytes, start: int, end: int, sequence: int, acknowledgment: int,
        out: list[Observation], header: int,
    ) -> None:  # fmt: skip
        """A SYN may start a connection; the one again that started the present one does not."""
        answers = packet.flags & TCP_ACK != 0
        options = segment_options(data, header, start) or Options()
        syn = Syn(sequence, answers, options, window_of(data, header) if header >= 0 else 0)
        stream = self.streams.get(key)
        decided = self.decided.get(key)
        known = self.opened.get(key)
        repeated = (
            (stream is not None and stream.first == syn.first)
            or (decided is not None and decided.first == syn.first)
            or (known is not None and known.first == syn.first)
        )
        if not repeated:
            if len(self.opened) >= self.numbers_max and known is None:
                self._evict("streams_opened")
                del self.opened[next(iter(self.opened))]
            self.opened[key] = syn
            if decided is not None:
                decided.reopened = decided.looked_at = True
            if start < end and not answers:
                syn.data = data[start : min(end, start + self.stream_bytes)]
                syn.packet = packet
                if options.cookie >= COOKIE_MIN:
                    self._start(key, packet, (syn.first + len(syn.data)) & SEQUENCE_MASK, out)
        if answers:
            self._accept_fast_open(reverse_stream_key(packet), acknowledgment, syn.first, out)

    def _accept_fast_open(self, key: bytes, acknowledgment: int, first: int, out: list[Observation]) -> None:
        """The server has answered a SYN with data: it has taken the data where it acknowledges it (RFC 7413)."""
        syn = self.opened.get(key)
        if syn is None or syn.packet is None or not syn.data:
            return
        if (acknowledgment - syn.first) & SEQUENCE_MASK == len(syn.data):
            syn.packet.acknowledgment = first
            self._start(key, syn.packet, acknowledgment, out)

    def _is_opened_again(self, opened: Syn, stream: Stream | None, sequence: int) -> bool:
        """Whether the segment is of the connection that a later SYN began, on the same ports."""
        if (sequence - opened.first) & SEQUENCE_MASK > self.stream_bytes:
            return False
        return stream is None or not stream.is_near(sequence)

    def _supersede(self, key: bytes, stream: Stream | None) -> None:
        """A new connection takes the place; should it be forged, the old one is read on beside it."""
        self._remove_other(key)
        if stream is not None:
            self.others[key] = self.streams.pop(key)
        self.decided.pop(key, None)

    def _start(self, key: bytes, packet: Packet, sequence: int, out: list[Observation]) -> Stream:
        """A stream whose first byte follows its SYN; where none was seen, it is joined here.

        Data of the SYN is read first where the stream goes on behind it.
        """
        syn = self.opened.pop(key, None)
        first = sequence if syn is None else syn.first
        stream = self._make(packet, first, syn)
        self._make_room()
        self.streams[key] = stream
        self.bytes_held += STREAM_OVERHEAD
        if syn is not None and syn.packet is not None and sequence != first:
            data = syn.data
            self._read(key, stream, syn.packet, data, 0, len(data), first, NONE, out)
        return stream

    def _make(self, packet: Packet, first: int, syn: Syn | None) -> Stream:
        dns_port = packet.source_port == DNS_PORT or packet.destination_port == DNS_PORT
        dialogue = Dialogue(self.stream_bytes, syn is not None and syn.answers, dns_port, self.errors)
        return Stream(first, syn, dialogue, self.errors)

    def _read(
        self, key: bytes, stream: Stream, packet: Packet, data: bytes, start: int, end: int, sequence: int, urgent: int,
        out: list[Observation],
    ) -> None:  # fmt: skip
        """Feeds the stream; what a second reading has reported already is not reported again."""
        before = stream.size()
        seen: list[Observation] = []
        decided = stream.accept(packet, data, start, end, sequence, urgent, seen)
        self.bytes_held += stream.size() - before
        if seen:
            other = self.others.get(key)
            report(seen, stream, b"" if other is None else other.name, out)
        if decided and key in self.streams:
            request = len(seen) > 0 and isinstance(seen[len(seen) - 1], HttpRequest)
            self._decide(key, stream, (sequence + end - start) & SEQUENCE_MASK if request else NONE)
        elif self.bytes_held > self.bytes_max:
            self._evict_bytes()

    def _read_other(
        self, key: bytes, stream: Stream | None, name: bytes, packet: Packet, data: bytes, start: int, end: int,
        sequence: int, urgent: int, out: list[Observation],
    ) -> None:  # fmt: skip
        """Data for the first byte came again: which of the two the server takes is not known, so both are read.

        `name` is what the first reading has reported.
        """
        other = self.others.get(key)
        if other is None:
            other = self._make(packet, sequence, None if stream is None else stream.syn)
            self._make_room()
            self.others[key] = other
            self.bytes_held += STREAM_OVERHEAD
            decided = self.decided.get(key)
            if decided is not None:
                decided.looked_at = True
        before = other.size()
        seen: list[Observation] = []
        finished = other.accept(packet, data, start, end, sequence, urgent, seen)
        self.bytes_held += other.size() - before
        if seen:
            report(seen, other, name, out)
        if finished or seen:
            self._remove_other(key)
        elif self.bytes_held > self.bytes_max:
            self._evict_bytes()

    def _decide(self, key: bytes, stream: Stream, requests: int) -> None:
        self._remove(key)
        if len(self.decided) >= self.numbers_max:
            self._evict("streams_decided")
            del self.decided[next(iter(self.decided))]
        decided = Decided(stream.first, stream.name, requests)
        if key in self.others or key in self.opened:
            decided.looked_at = True
            decided.reopened = key in self.opened
        self.decided[key] = decided

    def _remove(self, key: bytes) -> None:
        self.bytes_held -= self.streams.pop(key).size() + STREAM_OVERHEAD

    def _remove_other(self, key: bytes) -> None:
        other = self.others.pop(key, None)
        if other is not None:
            self.bytes_held -= other.size() + STREAM_OVERHEAD

    def _make_room(self) -> None:
        """Second readings give way first: a flood of them evicts no stream."""
        if len(self.streams) + len(self.others) < self.streams_max:
            return
        self._evict("streams")
        if self.others:
            self._remove_other(next(iter(self.others)))
        else:
            self._remove(next(iter(self.streams)))

    def _evict_bytes(self) -> None:
        while self.bytes_held > self.bytes_max and self.others:
            self._evict("streams")
            self._remove_other(next(iter(self.others)))
        while self.bytes_held > self.bytes_max and len(self.streams) > 1:
            self._evict("streams")
            self._remove(next(iter(self.streams)))

    def _evict(self, table: str) -> None:
        self.evictions[table] += 1
