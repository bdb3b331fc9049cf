"""The records of an index to be, sorted by what will find them; vendors' tables come first, then categories'."""

from typing import Final, final

from monitor.catalog.address_map import Prefix, pack_map
from monitor.catalog.entry import ASN, EXACT, Owner
from monitor.catalog.index import MAGIC
from monitor.catalog.name_table import RECORD_HEAD, NameTableBuilder, count_slots

WIDTHS: Final = (4, 16)


@final
class Contents:
    """What `data` (the magic, then records) holds. `repeated` are the offsets of records equal to an earlier one."""

    __slots__ = ("_counts", "_data", "_names", "_owners", "_prefixes", "_seen", "asns", "repeated")

    def __init__(self, data: bytes, owners: list[Owner], seed: int) -> None:
        self._data = data
        self._owners = owners
        self._counts = count_names(data, owners)
        self._names = [NameTableBuilder(data, count, seed) for count in self._counts]
        self._prefixes: list[list[Prefix]] = [[], [], [], []]
        self._seen: set[bytes] = set()
        self.asns: list[dict[int, int]] = [{}, {}]
        self.repeated: set[int] = set()
        at = len(MAGIC)
        while at < len(data):
            if not self._sort(at, data[at], owners[data[at + 2] | data[at + 3] << 8]):
                self.repeated.add(at)
            at += RECORD_HEAD + data[at + 1]

    def _sort(self, at: int, kind: int, owner: Owner) -> bool:
        table = 1 if owner.category else 0
        if kind <= EXACT:
            return self._names[table].put(at)
        body = self._data[at + RECORD_HEAD : at + RECORD_HEAD + self._data[at + 1]]
        if kind == ASN:
            return self.asns[table].setdefault(int.from_bytes(body, "big"), at) == at
        # An own prefix and an equal weak one are two entries: the own one wins, whichever came first.
        key = bytes((table, owner.weak)) + body
        if key in self._seen:
            return False
        self._seen.add(key)
        width = 0 if len(body) == 5 else 1
        self._prefixes[table * 2 + width].append(Prefix(body[1:], body[0], owner.weak, at, at))
        return True

    def tables(self) -> list[tuple[int, bytes]]:
        """The tables in the order of the dump, each with its number of slots or intervals."""
        names = [(count_slots(count), table.slots()) for count, table in zip(self._counts, self._names, strict=True)]
        return names + [pack_map(prefixes, WIDTHS[number % 2]) for number, prefixes in enumerate(self._prefixes)]


def count_names(data: bytes, owners: list[Owner]) -> list[int]:
    """How many names there are of vendors and of categories."""
    counts = [0, 0]
    at = len(MAGIC)
    while at < len(data):
        if data[at] <= EXACT:
            counts[1 if owners[data[at + 2] | data[at + 3] << 8].category else 0] += 1
        at += RECORD_HEAD + data[at + 1]
    return counts


def drop_records(data: bytes, dropped: set[int]) -> bytes:
    """The same records without those at the offsets in `dropped`."""
    kept = bytearray(MAGIC)
    at = len(MAGIC)
    while at < len(data):
        end = at + RECORD_HEAD + data[at + 1]
        if at not in dropped:
            kept += data[at:end]
        at = end
    return bytes(kept)
