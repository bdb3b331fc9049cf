"""Reads the start of each TCP stream (one direction of a connection). Later segments cost next to nothing.

Tables by flow key. Each has a maximum; the oldest entry is dropped first:

    opened    SYNs without data yet (`pending_syns.py`): a flood of SYNs evicts no stream
    streams   streams that are being read, with their bytes; also the stream of an earlier connection on the same ports
              (`Stream.before`), because the SYN of the later connection may be forged
    kept      streams that were decided recently, with their bytes: another segment for the same position may come
    decided   streams that need no further reading; if one is evicted, it is read again, and no event is lost

RST and FIN do not end a stream, because they may be forged to hide later data: entries are dropped by age. A SYN in an
established connection is ignored too (RFC 5961 section 4.2) until data follows its sequence number.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, TCP_SYN, Observation, Packet, reverse_key
from monitor.wire.tcp.handshake import SEQUENCE_MASK, Syn, is_dropped, read_options, read_window
from monitor.wire.tcp.kept import STREAM_OVERHEAD, Kept
from monitor.wire.tcp.pending_syns import PendingSyns
from monitor.wire.tcp.readings import (
    NONE,
    Decided,
    decide,
    next_request,
    note_names,
    read_before,
    report,
    report_other_readings,
    request_at,
    reverse_stream_key,
    stream_key,
    syn_of,
)
from monitor.wire.tcp.stream import Stream
from monitor.wire.tcp.stream_classifier import StreamClassifier

DNS_PORT: Final = 53

NUMBERS_PER_STREAM: Final = 8  # factor by which the tables of SYNs and of decided streams exceed that of streams
KEPT_SHARE: Final = 4  # the share of all bytes that decided streams may hold


@final
class Streams:
    """All TCP streams, in the tables of the module's docstring."""

    __slots__ = ("_evictions", "_limits", "bytes_held", "decided", "errors", "kept", "opened", "streams")

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self.errors = errors
        self._limits = limits
        self.bytes_held = 0
        self.opened = PendingSyns(limits.streams * NUMBERS_PER_STREAM)
        self.streams: dict[bytes, Stream] = {}
        self.kept = Kept(limits.streams_bytes // KEPT_SHARE)
        self.decided: dict[bytes, Decided] = {}
        self._evictions: dict[str, int] = {"streams": 0, "streams_decided": 0}

    def resize(self, limits: Limits) -> None:
        """Changes the limits. Excess entries are dropped when the next entries are added."""
        self._limits = limits
        self.opened.limit = limits.streams * NUMBERS_PER_STREAM
        self.kept.bytes_max = limits.streams_bytes // KEPT_SHARE

    def segment(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, acknowledgment: int,
        out: list[Observation], header: int = NONE, urgent: int = NONE,
    ) -> None:  # fmt: skip
        """Reads the payload `data[start:end]` of a TCP segment; appends what it completes to `out`.

        Its TCP header begins at `header`, -1 if its options are unknown; `urgent` is the sequence number of a byte
        outside of the stream (RFC 9293 section 3.8.5), -1 if there is none.
        """
        key = packet.key if packet.vlan == 0 else stream_key(packet)
        if packet.flags & TCP_SYN:
            self._open(key, packet, data, start, end, sequence, acknowledgment, out, header)
            return
        decided = self.decided.get(key)
        if decided is not None:
            if not decided.looked_at and (sequence - decided.first) & SEQUENCE_MASK >= decided.span:
                return
            if not decided.reopened and not self._is_wanted(key, decided, data, start, end, sequence):
                return
        if start >= end:
            return
        stream = self.streams.get(key)
        opened = self.opened.choose(key, sequence, self._limits.stream_bytes)
        begun = stream is not None or decided is not None
        if opened is not None and begun and not self._is_opened_again(opened, stream, decided, sequence):
            opened = None
        if self._is_dropped(packet, data, start, sequence, acknowledgment, header, opened, stream, decided):
            return
        packet.acknowledgment = acknowledgment
        before: Stream | None = None
        if begun and opened is not None:
            before = self._supersede(key, stream)
            stream = decided = None
        if decided is not None:
            kept = self.kept.get(key)
            if kept is not None and kept.may_conflict(sequence):
                self._read_kept(decided, kept, packet, data, start, end, sequence, header, out)
                return
            begins = request_at(decided, data, start, end, sequence) if decided.requests >= 0 else NONE
            if begins < 0 or sequence == decided.first:
                return
            sequence, start = (sequence + begins - start) & SEQUENCE_MASK, begins
            del self.decided[key]
        if stream is None:
            # A keep-alive probe repeats the byte before the next expected one, usually 0 (RFC 9293 section 3.8.4).
            if end - start == 1 and data[start] == 0 and opened is None:
                return
            stream = self._start(key, packet, sequence, opened, out)
            stream.later = decided is not None
            stream.before = before
        self._read(key, stream, packet, data, start, end, sequence, urgent, out, header)

    def expire(self, now: float) -> None:
        """Drops the streams that have been silent for `stream_seconds`."""
        oldest = now - self._limits.stream_seconds
        for key in [key for key, stream in self.streams.items() if stream.time < oldest]:
            self._remove(key)
        self.kept.expire(oldest)
        self.opened.expire(oldest)

    def table_sizes(self) -> dict[str, int]:
        return {
            "streams": len(self.streams),
            "streams_opened": len(self.opened),
            "streams_decided": len(self.decided),
            "streams_kept": len(self.kept),
        }

    @property
    def evictions(self) -> dict[str, int]:
        """Returns the numbers of entries dropped by full tables, by table."""
        return {**self._evictions, "streams_opened": self.opened.evictions, "streams_kept": self.kept.evictions}

    def _is_wanted(self, key: bytes, decided: Decided, data: bytes, start: int, end: int, sequence: int) -> bool:
        """Whether a segment may change the result of a decided stream: a repeated position, or another request."""
        kept = self.kept.get(key)
        if kept is not None and kept.may_conflict(sequence):
            return True
        return decided.requests >= 0 and request_at(decided, data, start, end, sequence) >= 0

    def _is_dropped(
        self, packet: Packet, data: bytes, start: int, sequence: int, acknowledgment: int, header: int,
        opened: Syn | None, stream: Stream | None, decided: Decided | None,
    ) -> bool:  # fmt: skip
        """Whether the receiver drops the segment, judged by the packets seen of both ends."""
        own = opened if opened is not None else syn_of(stream, decided)
        key = own.back if own is not None and len(own.back) > 0 else reverse_stream_key(packet)
        other = self.opened.newest(key)
        sent = 0
        if other is None:
            back = self.streams.get(key)
            sent = NONE if back is None else back.assembly.position
            other = syn_of(None, self.decided.get(key)) if back is None else back.syn
            if other is None and packet.vlan:
                other = self.opened.on_any_vlan(reverse_key(packet.key))
        window, options = read_window(data, header), read_options(data, header, start)
        while is_dropped(packet.flags, acknowledgment, window, options, own, other, sent):
            # A server without state of the first SYN answers the second one with another number.
            if other is None or other.older is None:
                return True
            other = other.older
        return False

    def _open(
        self, key: bytes, packet: Packet, data: bytes, start: int, end: int, sequence: int, acknowledgment: int,
        out: list[Observation], header: int,
    ) -> None:  # fmt: skip
        """Handles a SYN, which may start a connection; a repetition of the SYN that started the present
        one does not.
        """
        answers = packet.flags & TCP_ACK != 0
        syn = Syn(sequence, answers, read_options(data, header, start), read_window(data, header), packet.time)
        if packet.vlan:
            self.opened.add_on_vlan(packet.key, syn, reverse_key(packet.key), acknowledgment)
        stream = self.streams.get(key)
        decided = self.decided.get(key)
        repeated = stream is not None and stream.first == syn.first
        repeated = repeated or (decided is not None and decided.first == syn.first)
        if not repeated and self.opened.add(key, syn):
            if decided is not None:
                decided.reopened = decided.looked_at = True
            if start < end and not answers:
                syn.data = data[start : min(end, start + self._limits.stream_bytes)]
                syn.packet = packet
        if answers:
            syn.back = reverse_stream_key(packet)
            self._agree(syn.back, acknowledgment, syn.first, key, out)

    def _agree(self, key: bytes, acknowledgment: int, first: int, back: bytes, out: list[Observation]) -> None:
        """Handles the server's answer to a SYN; the SYN's data counts if it is acknowledged (RFC 7413)."""
        stream = self.streams.get(key)
        if stream is not None and stream.syn is not None and stream.syn.first == acknowledgment:
            stream.syn.agreed = True
            return
        syn = self.opened.agree(key, acknowledgment, back)
        if syn is not None and syn.packet is not None and syn.first != acknowledgment and stream is None:
            syn.packet.acknowledgment = first
            self._start(key, syn.packet, acknowledgment, syn, out)

    def _is_opened_again(self, opened: Syn, stream: Stream | None, decided: Decided | None, sequence: int) -> bool:
        """Whether the segment belongs to the connection that a later SYN started on the same ports."""
        if (sequence - opened.first) & SEQUENCE_MASK > self._limits.stream_bytes:
            return False
        own = syn_of(stream, decided)
        if own is not None and own.agreed:
            # Answers are captured here: a SYN without one started no connection.
            return opened.agreed
        return stream is None or opened.agreed or not stream.is_near(sequence)

    def _supersede(self, key: bytes, stream: Stream | None) -> Stream | None:
        """Replaces the old connection; its stream is still read beside the new one."""
        self.kept.drop(key)
        self.decided.pop(key, None)
        if stream is not None:
            self._remove(key)
            stream.before = None
        return stream

    def _start(self, key: bytes, packet: Packet, sequence: int, syn: Syn | None, out: list[Observation]) -> Stream:
        """Creates a stream whose first byte follows its SYN; if no SYN was seen, the stream is joined here.

        Data of the SYN is read first if the stream continues it.
        """
        self.opened.remove(key)
        first = sequence if syn is None else syn.first
        dns_port = packet.source_port == DNS_PORT or packet.destination_port == DNS_PORT
        dialogue = StreamClassifier(self._limits.stream_bytes, syn is not None and syn.answers, dns_port, self.errors)
        stream = Stream(first, syn, dialogue, self.errors)
        while len(self.streams) >= self._limits.streams:
            self._evict_stream()
        self.streams[key] = stream
        self.bytes_held += STREAM_OVERHEAD
        if syn is not None and syn.packet is not None and sequence != first:
            data = syn.data
            self._read(key, stream, syn.packet, data, 0, len(data), first, NONE, out, NONE)
        return stream

    def _read(
        self, key: bytes, stream: Stream, packet: Packet, data: bytes, start: int, end: int, sequence: int, urgent: int,
        out: list[Observation], header: int,
    ) -> None:  # fmt: skip
        """Feeds the stream. Does not report names that the reading of an earlier stream has already reported."""
        before = stream.before
        seen = out if before is None else []
        already = len(seen)
        decided = stream.accept(packet, data, start, end, sequence, urgent, seen, header)
        if before is not None:
            report(seen, stream, before.name, out)
            read_before(stream, packet, data, start, end, sequence, urgent, out)
        elif len(seen) > already:
            note_names(seen[already:], stream)
        if stream.conflicting:
            report_other_readings(stream, packet, out)
        size = stream.size()
        self.bytes_held += size - stream.held
        stream.held = size
        if decided and key in self.streams:
            self._decide(key, stream, next_request(stream, sequence + end - start))
        elif self.bytes_held > self._limits.streams_bytes:
            self._evict_bytes()

    def _read_kept(
        self, decided: Decided, kept: Stream, packet: Packet, data: bytes, start: int, end: int, sequence: int,
        header: int, out: list[Observation],
    ) -> None:  # fmt: skip
        """Reads another segment for a position already read; which of the two the receiver accepts is unknown."""
        if kept.before is not None:
            read_before(kept, packet, data, start, end, sequence, NONE, out)
        kept.keep(packet, data, start, end, sequence, header)
        self.kept.measure(kept)
        if kept.conflicting:
            decided.looked_at = True
            report_other_readings(kept, packet, out)

    def _decide(self, key: bytes, stream: Stream, requests: int) -> None:
        self._remove(key)
        while len(self.decided) >= self._limits.streams * NUMBERS_PER_STREAM:
            self._evictions["streams_decided"] += 1
            del self.decided[next(iter(self.decided))]
        self.decided[key] = decide(stream, requests, key in self.opened)
        if stream.parts:
            self.kept.put(key, stream)

    def _remove(self, key: bytes) -> None:
        self.bytes_held -= self.streams[key].held + STREAM_OVERHEAD
        del self.streams[key]

    def _evict_bytes(self) -> None:
        while self.bytes_held > self._limits.streams_bytes and len(self.streams) > 1:
            self._evict_stream()

    def _evict_stream(self) -> None:
        self._evictions["streams"] += 1
        self._remove(next(iter(self.streams)))
