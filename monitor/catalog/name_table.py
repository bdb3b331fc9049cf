"""Finds listed names in an open-addressing hash table over the names' bytes, in one flat `bytes`.

A name has a slot for each list that contains it. A slot is five bytes: a mark (8 bits of the hash, never 0) and the
offset of a record; a mark of 0 is an empty slot. A record is `kind | length | owner (2 bytes, little endian) | name`.
Slots are probed linearly up to an empty one, so of equal names the first one inserted is found first: this gives
earlier lists precedence.

The hash is FNV-1a over the name from its last byte to its first, so one pass from right to left computes the hash of
every suffix. It starts from a seed, so that the author of a list cannot aim names at one slot.
"""

from typing import Final, final

from mypy_extensions import i64

from monitor.catalog.entry import EXACT

DOT: Final = 0x2E
PRIME: Final = 16777619
MIX: Final = 0x5BD1E995
MASK: Final = 0xFFFFFFFF
SLOT_BYTES: Final = 5
RECORD_HEAD: Final = 4
FEWEST_SLOTS: Final = 8
LONG_LIST: Final = 100_000


def read_u32(data: bytes, at: i64) -> i64:
    first: i64 = data[at]
    second: i64 = data[at + 1]
    third: i64 = data[at + 2]
    fourth: i64 = data[at + 3]
    return first | second << 8 | third << 16 | fourth << 24


def scramble(hash: i64) -> i64:
    """Mixes FNV's bits: the slot comes from the high bits, the mark from the low bits."""
    return ((hash ^ hash >> 15) * MIX) & MASK


def hash_name(name: bytes, seed: i64) -> i64:
    hash = seed
    at: i64 = len(name)
    while at > 0:
        at -= 1
        hash = ((hash ^ name[at]) * PRIME) & MASK
    return hash


@final
class NameTable:
    """Finds the records of a name and of its listed suffixes.

    `data` holds the records (at the offsets in the slots) and, from `slots_at` on, the `slots` slots.
    """

    __slots__ = ("_data", "_seed", "_slots", "_slots_at")

    def __init__(self, data: bytes, slots_at: int, slots: int, seed: int) -> None:
        self._data = data
        self._slots_at: i64 = slots_at
        self._slots: i64 = slots
        self._seed: i64 = seed

    def find(self, name: bytes) -> list[int] | None:
        """Returns the offsets of the records that match `name`, None if there is none.

        Suffixes match on whole labels, the shortest first; an exact record matches only the whole name. The last label
        alone may match too: a top-level domain may be a brand's own.
        """
        hash = self._seed
        found: list[int] | None = None
        at: i64 = len(name)
        while at > 0:
            at -= 1
            byte: i64 = name[at]
            if byte == DOT:
                found = self._probe(name, at + 1, hash, False, found)
            hash = ((hash ^ byte) * PRIME) & MASK
        return self._probe(name, 0, hash, True, found) if len(name) > 0 else None

    def _probe(self, name: bytes, start: i64, hash: i64, whole: bool, found: list[int] | None) -> list[int] | None:
        """Returns the previous matches and the records of the name from `start` on."""
        data = self._data
        spread = scramble(hash)
        mark = spread & 0xFF
        if mark == 0:
            mark = 1
        slot = (spread * self._slots) >> 32
        at = self._slots_at + slot * SLOT_BYTES
        while True:
            seen: i64 = data[at]
            if seen == 0:
                return found
            if seen == mark:
                record = read_u32(data, at + 1)
                if self._is_same(name, start, record) and (whole or data[record] != EXACT):
                    if found is None:
                        found = []
                    found.append(int(record))
            slot += 1
            at += SLOT_BYTES
            if slot == self._slots:
                slot = 0
                at = self._slots_at

    def _is_same(self, name: bytes, start: i64, record: i64) -> bool:
        data = self._data
        length: i64 = data[record + 1]
        if length != len(name) - start:
            return False
        at = record + RECORD_HEAD
        end = at + length
        while at < end:
            if data[at] != name[start]:
                return False
            at += 1
            start += 1
        return True


def count_slots(names: int) -> int:
    """Returns the number of slots for `names` names: 40 % stay empty; in a long list 25 %, which saves 2 MB per
    million names and costs 20 ns per look-up.
    """
    return max(FEWEST_SLOTS, names * 5 // 3 + 1 if names < LONG_LIST else names * 4 // 3)


@final
class NameTableBuilder:
    """Fills the slots of a `NameTable` over `records`, which are complete and do not move.

    `holders` maps owner numbers to holders.
    """

    __slots__ = ("_bytes", "_holders", "_records", "_seed", "_slots")

    def __init__(self, records: bytes, holders: list[int], names: int, seed: int) -> None:
        self._records = records
        self._holders = holders
        self._slots: i64 = count_slots(names)
        self._seed: i64 = seed
        self._bytes = bytearray(count_slots(names) * SLOT_BYTES)

    def put(self, record: int) -> bool:
        """Inserts the record at that offset; returns false if its holder has one of the same kind and name already."""
        records = self._records
        length: i64 = records[record + 1]
        name = records[record + RECORD_HEAD : record + RECORD_HEAD + length]
        spread = scramble(hash_name(name, self._seed))
        mark = spread & 0xFF
        if mark == 0:
            mark = 1
        slot = (spread * self._slots) >> 32
        while True:
            at = slot * SLOT_BYTES
            seen: i64 = self._bytes[at]
            if seen == 0:
                break
            if seen == mark and self._is_there(record, name, int.from_bytes(self._bytes[at + 1 : at + 5], "little")):
                return False
            slot = slot + 1 if slot + 1 < self._slots else 0
        self._bytes[at] = mark
        self._bytes[at + 1 : at + SLOT_BYTES] = record.to_bytes(4, "little")
        return True

    def _is_there(self, record: int, name: bytes, other: int) -> bool:
        records = self._records
        if records[record] != records[other] or records[record + 1] != records[other + 1]:
            return False
        if self._holder(record) != self._holder(other):
            return False
        return records[other + RECORD_HEAD : other + RECORD_HEAD + len(name)] == name

    def _holder(self, record: int) -> int:
        return self._holders[self._records[record + 2] | self._records[record + 3] << 8]

    def slots(self) -> bytes:
        return bytes(self._bytes)
