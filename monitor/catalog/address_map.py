"""Finds the listed prefix of an address in sorted intervals, in one flat `bytes`.

Prefixes nest, and a holder's winner inside several is not always the longest (own prefixes precede clouds), so the
builder resolves the order once: it cuts the address space into intervals with one winner of each holder. A look-up
searches for the last interval that starts at or before the address; in a map of at least `INDEX_FROM` intervals an
index over the first two bytes of the addresses narrows the search to a few.
"""

import struct
from typing import Final, final

from mypy_extensions import i64

from monitor.catalog.entry import SET
from monitor.catalog.name_table import read_u32

INDEX_BLOCKS: Final = 65536
# Below this number of intervals a plain binary search is as fast, and saves the 256 KiB of the index.
INDEX_FROM: Final = 128


@final
class AddressMap:
    """Finds the record of the prefix that contains an address, or the set of several records.

    The data at `at`: the index (absent if `count` is below `INDEX_FROM`), the records (4 bytes each), the starts
    (`width` bytes each, big endian). The first interval starts at address 0.
    """

    __slots__ = ("_at", "_count", "_data", "_starts_at", "_width")

    def __init__(self, data: bytes, at: int, count: int, width: int) -> None:
        index_bytes = (INDEX_BLOCKS + 1) * 4 if count >= INDEX_FROM else 0
        self._data = data
        self._count: i64 = count
        self._width: i64 = width
        self._at: i64 = at
        self._starts_at: i64 = at + index_bytes + count * 4

    def find(self, address: bytes) -> i64:
        """Returns the offset of the winning prefix's record or of the winners' set, 0 if there is none.

        `address` must have the width of the map.
        """
        if self._count == 0:
            return 0
        low: i64 = 0
        high = self._count - 1
        first: i64 = 0
        records_at = self._at
        if self._count >= INDEX_FROM:
            block: i64 = address[0] << 8 | address[1]
            low = read_u32(self._data, self._at + block * 4) - 1
            high = read_u32(self._data, self._at + block * 4 + 4) - 1
            if low < 0:
                low = 0
            first = 2
            records_at += (INDEX_BLOCKS + 1) * 4
        while low < high:
            middle = (low + high + 1) >> 1
            if self._starts_after(middle, address, first):
                high = middle - 1
            else:
                low = middle
        return read_u32(self._data, records_at + low * 4)

    def intervals(self) -> tuple[list[bytes], list[int]]:
        """Returns the first address of each interval, and its record or set (0: none)."""
        data = self._data
        width = int(self._width)
        count = int(self._count)
        starts_at = int(self._starts_at)
        starts = [data[at : at + width] for at in range(starts_at, starts_at + count * width, width)]
        return starts, list(struct.unpack_from(f"<{count}I", data, starts_at - count * 4))

    def _starts_after(self, interval: i64, address: bytes, first: i64) -> bool:
        """Whether the interval starts after the address; the bytes before `first` are equal in both."""
        data = self._data
        at = self._starts_at + interval * self._width + first
        while first < self._width:
            start: i64 = data[at]
            byte: i64 = address[first]
            if start != byte:
                return start > byte
            at += 1
            first += 1
        return False


@final
class Prefix:
    """A prefix to put into a map; `rank` orders the prefixes of one holder for one address, the lowest wins."""

    __slots__ = ("end", "holder", "rank", "record", "start")

    def __init__(self, address: bytes, bits: int, weak: bool, order: int, record: int, holder: int) -> None:
        host_bits = len(address) * 8 - bits
        self.start = int.from_bytes(address, "big") >> host_bits << host_bits
        self.end = self.start + (1 << host_bits)
        self.rank = (weak, -bits, order)
        self.record = record
        self.holder = holder


@final
class OpenPrefix:
    """A prefix around the current position of the sweep: its end, and the winners of all holders inside it."""

    __slots__ = ("end", "record", "winners")

    def __init__(self, end: int, winners: list[Prefix], record: int) -> None:
        self.end = end
        self.winners = winners
        self.record = record


@final
class RecordSets:
    """The distinct sets of records of an index, stored at `at`."""

    __slots__ = ("_at", "_bytes", "_offsets")

    def __init__(self, at: int) -> None:
        self._at = at
        self._bytes = bytearray()
        self._offsets: dict[tuple[int, ...], int] = {}

    def of(self, winners: list[Prefix]) -> int:
        """Returns the offset of the one record, or of the set of several."""
        if len(winners) == 1:
            return winners[0].record
        key = tuple(sorted([prefix.record for prefix in winners]))
        offset = self._offsets.get(key, 0)
        if not offset:
            offset = self._at + len(self._bytes)
            self._offsets[key] = offset
            self._bytes += bytes((SET, 0, len(key) & 255, len(key) >> 8))
            self._bytes += struct.pack(f"<{len(key)}I", *key)
        return offset

    def dump(self) -> bytes:
        return bytes(self._bytes)


def flatten(prefixes: list[Prefix], sets: RecordSets) -> list[tuple[int, int]]:
    """Returns intervals (start, record or set) from address 0 on, 0 meaning none; neighbours always differ."""
    intervals: list[tuple[int, int]] = []
    open_ones: list[OpenPrefix] = []
    start_interval(intervals, 0, 0)
    for prefix in sorted(prefixes, key=lambda prefix: (prefix.start, -prefix.end)):
        close_before(intervals, open_ones, prefix.start)
        winners = join(open_ones[-1].winners if open_ones else [], prefix)
        record = sets.of(winners)
        open_ones.append(OpenPrefix(prefix.end, winners, record))
        start_interval(intervals, prefix.start, record)
    close_before(intervals, open_ones, -1)
    return intervals


def join(winners: list[Prefix], prefix: Prefix) -> list[Prefix]:
    """Returns the winners inside one more prefix: the prefix may replace its holder's winner, other holders keep
    theirs.
    """
    joined: list[Prefix] = []
    mine = prefix
    for winner in winners:
        if winner.holder != prefix.holder:
            joined.append(winner)
        elif winner.rank < prefix.rank:
            mine = winner
    joined.append(mine)
    return joined


def close_before(intervals: list[tuple[int, int]], open_ones: list[OpenPrefix], start: int) -> None:
    """Closes the open prefixes that end at or before `start` (-1: all); the prefixes around them continue."""
    while open_ones and (start < 0 or open_ones[-1].end <= start):
        end = open_ones.pop().end
        start_interval(intervals, end, open_ones[-1].record if open_ones else 0)


def start_interval(intervals: list[tuple[int, int]], start: int, record: int) -> None:
    if intervals and intervals[-1][0] == start:
        intervals.pop()
    if not intervals or intervals[-1][1] != record:
        intervals.append((start, record))


def pack_map(prefixes: list[Prefix], width: int, sets: RecordSets) -> tuple[int, bytes]:
    """Returns the number of intervals and the bytes of an `AddressMap`; 0 and `b""` without prefixes."""
    if not prefixes:
        return 0, b""
    intervals = [(start, record) for start, record in flatten(prefixes, sets) if start < 1 << width * 8]
    parts = [index_blocks(intervals, width)] if len(intervals) >= INDEX_FROM else []
    parts += [record.to_bytes(4, "little") for _, record in intervals]
    parts += [start.to_bytes(width, "big") for start, _ in intervals]
    return len(intervals), b"".join(parts)


def index_blocks(intervals: list[tuple[int, int]], width: int) -> bytes:
    """Returns, for each value of an address's first two bytes, the number of intervals that start before it."""
    starts_in = [0] * INDEX_BLOCKS
    for start, _ in intervals:
        starts_in[start >> width * 8 - 16] += 1
    index = bytearray()
    before = 0
    for count in starts_in:
        index += before.to_bytes(4, "little")
        before += count
    return bytes(index + before.to_bytes(4, "little"))
