"""TCP streams: every direction gets a look at its start, and costs next to nothing once it is decided.

Three tables by flow key, each with its maximum, the oldest leaves first:

    opened    connections that have sent nothing but their SYN: a flood of these evicts no stream
    streams   what is being looked at, with its bytes
    decided   what needs no look any more; evicting one costs a second look, never an event

RST and FIN are not believed, as anybody may forge them to hide what follows: tables forget by age.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, TCP_SYN, Observation, Packet
from monitor.wire.dialogue import Dialogue
from monitor.wire.stream import SEQUENCE_MASK, Stream

DNS_PORT: Final = 53

# The tables of bare numbers are that much larger than the table of streams.
NUMBERS_PER_STREAM: Final = 8
# What a stream costs beyond its bytes.
STREAM_OVERHEAD: Final = 512
# In `opened`, beside the sequence number: this side accepted the connection.
ANSWERS: Final = 1 << 32

NO_SYN: Final = -1


@final
class Streams:
    """See the module. `evictions` counts what left a table for lack of room, by table."""

    __slots__ = (
        "bytes_held", "bytes_max", "decided", "errors", "evictions", "numbers_max", "opened", "seconds", "stream_bytes",
        "streams", "streams_max",
    )  # fmt: skip

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self.errors = errors
        self.streams_max = limits.streams
        self.numbers_max = limits.streams * NUMBERS_PER_STREAM
        self.stream_bytes = limits.stream_bytes
        self.bytes_max = limits.streams_bytes
        self.seconds = limits.stream_seconds
        self.bytes_held = 0
        self.opened: dict[bytes, int] = {}
        self.streams: dict[bytes, Stream] = {}
        self.decided: dict[bytes, int] = {}
        self.evictions: dict[str, int] = {"streams": 0, "streams_opened": 0, "streams_decided": 0}

    def segment(
        self, packet: Packet, data: bytes, start: int, end: int, sequence: int, acknowledgment: int,
        out: list[Observation],
    ) -> None:  # fmt: skip
        """Takes the payload `data[start:end]` of a TCP segment; appends what it completes to `out`."""
        key = packet.key
        if packet.flags & TCP_SYN:
            self._open(packet, sequence)
            sequence = (sequence + 1) & SEQUENCE_MASK
        if start >= end or key in self.decided:
            return
        stream = self.streams.get(key)
        if stream is None:
            # A keep-alive probe repeats one byte before what comes next, usually 0 (RFC 9293 section 3.8.4).
            if end - start == 1 and data[start] == 0 and key not in self.opened:
                return
            stream = self._start(packet, sequence)
        before = stream.size()
        already = len(out)
        decided = stream.accept(packet, data, start, end, sequence, out)
        if len(out) > already:
            packet.acknowledgment = acknowledgment
        self.bytes_held += stream.size() - before
        if decided:
            self._decide(key, stream)
        elif self.bytes_held > self.bytes_max:
            self._evict_bytes()

    def expire(self, now: float) -> None:
        """Forgets the streams that have been silent for `stream_seconds`."""
        oldest = now - self.seconds
        silent = [key for key, stream in self.streams.items() if stream.time < oldest]
        for key in silent:
            self._remove(key)

    def table_sizes(self) -> dict[str, int]:
        return {
            "streams": len(self.streams),
            "streams_opened": len(self.opened),
            "streams_decided": len(self.decided),
        }

    def _open(self, packet: Packet, sequence: int) -> None:
        """A SYN starts a connection, unless it is the one again that started the present one."""
        key = packet.key
        stream = self.streams.get(key)
        if stream is not None:
            if stream.initial == sequence:
                return
            self._remove(key)
        elif key in self.decided:
            if self.decided[key] == sequence:
                return
            del self.decided[key]
        if len(self.opened) >= self.numbers_max and key not in self.opened:
            self._evict("streams_opened")
            del self.opened[next(iter(self.opened))]
        self.opened[key] = sequence | ANSWERS if packet.flags & TCP_ACK else sequence

    def _start(self, packet: Packet, sequence: int) -> Stream:
        """A stream whose first byte follows its SYN; where none was seen, it is joined here."""
        key = packet.key
        initial = self.opened.pop(key, NO_SYN)
        answers = initial != NO_SYN and initial & ANSWERS != 0
        if initial != NO_SYN:
            initial &= SEQUENCE_MASK
            sequence = (initial + 1) & SEQUENCE_MASK
        dns_port = packet.source_port == DNS_PORT or packet.destination_port == DNS_PORT
        dialogue = Dialogue(self.stream_bytes, answers, dns_port, self.errors)
        stream = Stream(sequence, initial, dialogue, self.errors)
        if len(self.streams) >= self.streams_max:
            self._evict("streams")
            self._remove(next(iter(self.streams)))
        self.streams[key] = stream
        self.bytes_held += STREAM_OVERHEAD
        return stream

    def _decide(self, key: bytes, stream: Stream) -> None:
        self._remove(key)
        if len(self.decided) >= self.numbers_max:
            self._evict("streams_decided")
            del self.decided[next(iter(self.decided))]
        self.decided[key] = stream.initial

    def _remove(self, key: bytes) -> None:
        self.bytes_held -= self.streams.pop(key).size() + STREAM_OVERHEAD

    def _evict_bytes(self) -> None:
        while self.bytes_held > self.bytes_max and len(self.streams) > 1:
            self._evict("streams")
            self._remove(next(iter(self.streams)))

    def _evict(self, table: str) -> None:
        self.evictions[table] += 1
