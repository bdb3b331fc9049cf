"""Stores the entries of all lists in one flat `bytes`, and looks up names, addresses and AS numbers.

A name, an address or an AS number has an owner from each holder that has an entry for it (`owners.py`). Among the
entries of one holder the longest name or prefix wins, own prefixes before weak ones; between equals the first list
wins, and user lists precede the shipped ones.

A dump is `MAGIC | records | sets | tables | directory (JSON) | length of the directory (4 bytes, little endian)`,
offsets count from its start, and loading copies only the directory. A set holds the records of several holders for one
interval: `SET | 0 | number of records (2 bytes) | their offsets (4 bytes each)`, little endian.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, final

from mypy_extensions import i64

from monitor.catalog.address_map import AddressMap
from monitor.catalog.coverage import END, FIRST, Coverage, cover, numbers_of
from monitor.catalog.entry import ASN, EXACT, KINDS, PREFIX, SET, Alias, Entry, Owner, Vendor, owner_text
from monitor.catalog.name_table import RECORD_HEAD, NameTable, read_u32
from monitor.catalog.owners import NOBODY, Owners, holders_of
from monitor.catalog.prefix import prefix_text

MAGIC: Final = b"gatewatch index 2\n"
# Limit of the cache of owners, which are created on first use.
OWNERS_KEPT: Final = 16_384


@final
class Index:
    """Looks up names, addresses and autonomous systems. Names are lower-case presentation `bytes`."""

    __slots__ = (
        "_asns", "_data", "_end", "_holders", "_kept", "_names", "_numbers", "_owned", "_owners", "_start", "_texts",
        "_v4", "_v6", "_vendors", "coverage", "entry_counts", "ignored_counts",
    )  # fmt: skip

    def __init__(self, data: bytes) -> None:
        """Takes a dump that `IndexBuilder.build` returned; use `Index.load`."""
        tail = len(data) - 4
        if data[: len(MAGIC)] != MAGIC or tail < len(MAGIC):
            raise ValueError("not a gatewatch index")
        directory: dict[str, Any] = json.loads(data[tail - int(read_u32(data, tail)) : tail])
        tables: list[list[int]] = directory["tables"]
        self._data = data
        self._start: int = directory["records"][0]
        self._end: int = directory["records"][1]
        self._names = NameTable(data, tables[0][0], tables[0][1], directory["seed"])
        self._v4 = AddressMap(data, tables[1][0], tables[1][1], 4)
        self._v6 = AddressMap(data, tables[2][0], tables[2][1], 16)
        self._asns: dict[int, list[int]] = dict(directory["asns"])
        self._owners = [read_owner(fields) for fields in directory["owners"]]
        self._texts = [owner_text(owner) for owner in self._owners]
        self._holders = holders_of(self._owners)
        self._owned: list[list[int]] = directory["owned"]
        self._numbers = numbers_of(self._owners)
        self.coverage: dict[str, Coverage] = cover(self._numbers, self._owners, self._owned)
        self._vendors = [
            Vendor(
                slug,
                name,
                kind,
                tuple((service[0], service[1]) for service in services),
                tuple(Alias(*fields) for fields in aliases),
            )
            for (slug, name, kind, services), aliases in zip(directory["vendors"], directory["aliases"], strict=True)
        ]
        self.entry_counts: dict[str, int] = directory["entries"]
        self.ignored_counts: dict[str, int] = directory["ignored"]
        self._kept: dict[tuple[int, ...], Owners] = {}

    @staticmethod
    def load(data: bytes) -> "Index":
        """Returns the index of a dump. Raises ValueError if the bytes are not a dump."""
        return Index(data)

    def dump(self) -> bytes:
        return self._data

    def owners_of_name(self, name: bytes) -> Owners:
        """Returns every owner of the name, each by the name itself or by its longest listed suffix."""
        records = self._names.find(name)
        return NOBODY if records is None else self._owners_of(records)

    def owners_of_address(self, address: bytes) -> Owners:
        """Returns every owner of the packed address: own prefixes precede weak ones, then the longest wins."""
        record: i64 = 0
        if len(address) == 4:
            record = self._v4.find(address)
        elif len(address) == 16:
            record = self._v6.find(address)
        return self._owners_of(self._members(record)) if record else NOBODY

    def owners_of_asn(self, asn: int) -> Owners:
        records = self._asns.get(asn)
        return NOBODY if records is None else self._owners_of(records)

    def match_name(self, name: bytes) -> Entry | None:
        """Returns the entry of the vendor under which traffic with the name is counted."""
        return self.owners_of_name(name).entry

    def match_category(self, name: bytes) -> Entry | None:
        """Returns the entry of the name's first category, whether or not the name has a vendor too."""
        return self.owners_of_name(name).category

    def match_address(self, address: bytes) -> Entry | None:
        """Returns the entry of the vendor under which traffic with the packed address is counted."""
        return self.owners_of_address(address).entry

    def match_address_category(self, address: bytes) -> Entry | None:
        """Returns the entry of the packed address's first category, such as that of a public resolver."""
        return self.owners_of_address(address).category

    def match_asn(self, asn: int) -> Entry | None:
        return self.owners_of_asn(asn).entry

    def match_asn_category(self, asn: int) -> Entry | None:
        return self.owners_of_asn(asn).category

    def vendors(self) -> list[Vendor]:
        """Returns vendors, categories and shared infrastructure, in the order of their lists."""
        return list(self._vendors)

    def entries(self) -> Iterator[Entry]:
        """Yields every entry, in the order of the lists. Equal entries of one holder are yielded once."""
        at = self._start
        while at < self._end:
            yield self._make(at)
            at += RECORD_HEAD + self._data[at + 1]

    def names_of(self, subject: str) -> Iterator[bytes]:
        """Returns the listed names of a vendor, a service or a category, written as `str(Subject)`."""
        data = self._data
        for number in self._numbers.get(subject, ()):
            at = self._owned[number][FIRST]
            while at < self._owned[number][END]:
                size = data[at + 1]
                if data[at] <= EXACT and (data[at + 2] | data[at + 3] << 8) == number:
                    yield data[at + RECORD_HEAD : at + RECORD_HEAD + size]
                at += RECORD_HEAD + size

    def owner_names(self) -> list[str]:
        """Returns every owner that has entries, as bans compare them (`owner_text`)."""
        return list(dict.fromkeys(self._texts))

    def own_intervals(self, width: int, numbers: dict[tuple[str, ...], int]) -> tuple[list[bytes], list[int]]:
        """Returns the owners of all addresses of `width` bytes (4 or 16) as sorted intervals. Ignores shared prefixes.

        The result is the packed first address of each interval, and its owner number; each interval ends at the
        start of the next. `numbers` maps owners to numbers; a missing owner gets the next number.
        """
        starts, records = self._v4.intervals() if width == 4 else self._v6.intervals()
        known: dict[int, int] = {}
        found = [0] * len(records)
        for at, record in enumerate(records):
            number = known.get(record, -1)
            if number < 0:
                names = self._owners_of(self._members(record)).own() if record else ()
                number = numbers.setdefault(names, len(numbers))
                known[record] = number
            found[at] = number
        return starts, found

    def _members(self, record: i64) -> list[int]:
        """Returns the offsets of the records in a set. `record` may also be a single record: returns its offset."""
        data = self._data
        if data[record] != SET:
            return [int(record)]
        count = data[record + 2] | data[record + 3] << 8
        first = int(record) + RECORD_HEAD
        return [int(read_u32(data, at)) for at in range(first, first + count * 4, 4)]

    def _owners_of(self, records: list[int]) -> Owners:
        """Returns the owners in these records. Of the records of one holder, the longest counts, then the first."""
        key = tuple(records)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        data = self._data
        winners: dict[int, int] = {}
        for record in records:
            holder = self._holders[data[record + 2] | data[record + 3] << 8]
            best = winners.get(holder, 0)
            if best == 0 or data[record + 1] > data[best + 1]:
                winners[holder] = record
        owners = Owners([self._make(record) for record in sorted(winners.values())])
        if len(self._kept) >= OWNERS_KEPT:
            self._kept.clear()
        self._kept[key] = owners
        return owners

    def _make(self, record: int) -> Entry:
        data = self._data
        kind = data[record]
        owner = data[record + 2] | data[record + 3] << 8
        body = data[record + RECORD_HEAD : record + RECORD_HEAD + data[record + 1]]
        if kind == PREFIX:
            value = prefix_text(body[1:], body[0])
        elif kind == ASN:
            value = f"AS{int.from_bytes(body, 'big')}"
        else:
            value = body.decode("ascii")
        return Entry(KINDS[kind], value, self._owners[owner], self._texts[owner])


def owner_fields(owner: Owner) -> list[object]:
    """Returns the owner in the form of the directory."""
    return [
        owner.vendor, owner.service, owner.list, owner.weak, owner.category, list(owner.also), owner.hosting, owner.user
    ]  # fmt: skip


def read_owner(fields: list[Any]) -> Owner:
    vendor, service, name, weak, category, also, hosting, user = fields
    return Owner(vendor, service, name, weak, category, tuple(also), hosting, user)
