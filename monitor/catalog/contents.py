"""Puts the records of an index that is being built into its tables: for names, prefixes and AS numbers."""

from typing import Final, final

from monitor.catalog.address_map import Prefix, RecordSets, pack_map
from monitor.catalog.entry import ASN, EXACT, Owner
from monitor.catalog.index import MAGIC
from monitor.catalog.name_table import RECORD_HEAD, NameTableBuilder, count_slots
from monitor.catalog.owners import holders_of

WIDTHS: Final = (4, 16)


@final
class Contents:
    """The contents of `data` (the magic, then records). `repeated` are the offsets of records equal to an earlier one.

    Two records are equal if kind, value and holder are equal: a look-up would always find the first.
    """

    __slots__ = ("_count", "_data", "_holders", "_names", "_owners", "_prefixes", "_seen", "asns", "repeated", "sets")

    def __init__(self, data: bytes, owners: list[Owner], seed: int) -> None:
        self._data = data
        self._owners = owners
        self._holders = holders_of(owners)
        self._count = count_names(data)
        self._names = NameTableBuilder(data, self._holders, self._count, seed)
        self._prefixes: list[list[Prefix]] = [[], []]
        self._seen: set[tuple[int, bytes]] = set()
        self.asns: dict[int, list[int]] = {}
        self.repeated: set[int] = set()
        self.sets = RecordSets(len(data))
        at = len(MAGIC)
        while at < len(data):
            if not self._sort(at, data[at], data[at + 2] | data[at + 3] << 8):
                self.repeated.add(at)
            at += RECORD_HEAD + data[at + 1]

    def _sort(self, at: int, kind: int, owner: int) -> bool:
        if kind <= EXACT:
            return self._names.put(at)
        body = self._data[at + RECORD_HEAD : at + RECORD_HEAD + self._data[at + 1]]
        # An own prefix and an equal weak one are two entries: the own one wins in either order.
        weak = self._owners[owner].weak and kind != ASN
        key = (self._holders[owner], bytes((kind, weak)) + body)
        if key in self._seen:
            return False
        self._seen.add(key)
        if kind == ASN:
            self.asns.setdefault(int.from_bytes(body, "big"), []).append(at)
        else:
            family = 0 if len(body) == 5 else 1
            self._prefixes[family].append(Prefix(body[1:], body[0], weak, at, at, self._holders[owner]))
        return True

    def tables(self) -> list[tuple[int, bytes]]:
        """Returns the tables in the order of the dump, each with its number of slots or intervals. Completes `sets`."""
        names = (count_slots(self._count), self._names.slots())
        return [names, *[pack_map(self._prefixes[at], width, self.sets) for at, width in enumerate(WIDTHS)]]


def count_names(data: bytes) -> int:
    """Returns the number of records that are names."""
    count = 0
    at = len(MAGIC)
    while at < len(data):
        if data[at] <= EXACT:
            count += 1
        at += RECORD_HEAD + data[at + 1]
    return count


def drop_records(data: bytes, dropped: set[int]) -> bytes:
    """Returns the records without those at the offsets in `dropped`."""
    kept = bytearray(MAGIC)
    at = len(MAGIC)
    while at < len(data):
        end = at + RECORD_HEAD + data[at + 1]
        if at not in dropped:
            kept += data[at:end]
        at = end
    return bytes(kept)
