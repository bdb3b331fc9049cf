"""Keeps recently decided streams with their bytes, because another segment for a position already read may arrive."""

from typing import Final, final

from monitor.wire.tcp.stream import Stream

KEPT_MAX: Final = 256
# The cost of a stream in addition to its bytes.
STREAM_OVERHEAD: Final = 512


@final
class Kept:
    """At most `KEPT_MAX` streams and `bytes_max` bytes, the oldest is dropped first."""

    __slots__ = ("_bytes", "_streams", "bytes_max", "evictions")

    def __init__(self, bytes_max: int) -> None:
        self._streams: dict[bytes, Stream] = {}
        self._bytes = 0
        self.bytes_max = bytes_max
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._streams)

    def get(self, key: bytes) -> Stream | None:
        return self._streams.get(key)

    def put(self, key: bytes, stream: Stream) -> None:
        """Keeps a decided stream."""
        if key in self._streams:
            self.drop(key)
        self._streams[key] = stream
        stream.held = 0
        self._bytes += STREAM_OVERHEAD
        self.measure(stream)

    def measure(self, stream: Stream) -> None:
        """Updates the size of a stream whose bytes may have changed."""
        size = stream.size()
        self._bytes += size - stream.held
        stream.held = size
        while len(self._streams) > KEPT_MAX or (self._bytes > self.bytes_max and len(self._streams) > 1):
            self.evictions += 1
            self.drop(next(iter(self._streams)))

    def drop(self, key: bytes) -> None:
        stream = self._streams.get(key)
        if stream is not None:
            del self._streams[key]
            self._bytes -= stream.held + STREAM_OVERHEAD

    def expire(self, oldest: float) -> None:
        """Drops the streams that have been silent since `oldest`; streams are in the order of their time."""
        while self._streams:
            key = next(iter(self._streams))
            if self._streams[key].time >= oldest:
                return
            self.drop(key)
