"""The index: every list's entries in one flat `bytes`, and the look-ups over it.

Precedence, everywhere: the longest name or prefix wins, own prefixes before weak ones; between equals the
list that came first, and user lists come before the shipped ones. Vendors and categories do not compete: a name may
have one of each (`mask.icloud.com` is Apple's, and private relay).

A dump is `MAGIC | records | tables | directory (JSON) | length of the directory (4 bytes, little endian)`, offsets
count from its start, and loading one copies nothing but the directory.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, final

from mypy_extensions import i64

from monitor.catalog.address_map import AddressMap
from monitor.catalog.coverage import END, FIRST, Coverage, cover, numbers_of
from monitor.catalog.entry import ASN, EXACT, KINDS, PREFIX, Alias, Entry, Owner, Vendor
from monitor.catalog.name_table import RECORD_HEAD, NameTable, read_u32
from monitor.catalog.prefix import prefix_text

MAGIC: Final = b"gatewatch index 1\n"
# Entries are made when they are first met and kept, up to so many.
ENTRIES_KEPT: Final = 16_384


@final
class Index:
    """What is known about names, addresses and autonomous systems. Names are lower-case presentation `bytes`."""

    __slots__ = (
        "_category_asns", "_category_names", "_category_v4", "_category_v6", "_data", "_end", "_entries", "_numbers",
        "_owned", "_owners", "_start", "_vendor_asns", "_vendor_names", "_vendor_v4", "_vendor_v6", "_vendors",
        "coverage", "entry_counts", "ignored_counts",
    )  # fmt: skip

    def __init__(self, data: bytes) -> None:
        """Takes a dump as `IndexBuilder.build` made it; use `Index.load`."""
        tail = len(data) - 4
        if data[: len(MAGIC)] != MAGIC or tail < len(MAGIC):
            raise ValueError("not a gatewatch index")
        directory: dict[str, Any] = json.loads(data[tail - int(read_u32(data, tail)) : tail])
        tables: list[list[int]] = directory["tables"]
        seed: int = directory["seed"]
        self._data = data
        self._start: int = directory["records"][0]
        self._end: int = directory["records"][1]
        self._vendor_names = NameTable(data, tables[0][0], tables[0][1], seed)
        self._category_names = NameTable(data, tables[1][0], tables[1][1], seed)
        self._vendor_v4 = AddressMap(data, tables[2][0], tables[2][1], 4)
        self._vendor_v6 = AddressMap(data, tables[3][0], tables[3][1], 16)
        self._category_v4 = AddressMap(data, tables[4][0], tables[4][1], 4)
        self._category_v6 = AddressMap(data, tables[5][0], tables[5][1], 16)
        self._vendor_asns: dict[int, int] = dict(directory["asns"][0])
        self._category_asns: dict[int, int] = dict(directory["asns"][1])
        self._owners = [Owner(*fields) for fields in directory["owners"]]
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
        self._entries: dict[int, Entry] = {}

    @staticmethod
    def load(data: bytes) -> "Index":
        """The index of a dump. ValueError where the bytes are none."""
        return Index(data)

    def dump(self) -> bytes:
        return self._data

    def match_name(self, name: bytes) -> Entry | None:
        """The vendor that the name, whole or by its longest listed suffix, belongs to."""
        record = self._vendor_names.find(name)
        return self._entry(record) if record else None

    def match_category(self, name: bytes) -> Entry | None:
        """The category that the name belongs to; it may have a vendor too."""
        record = self._category_names.find(name)
        return self._entry(record) if record else None

    def match_address(self, address: bytes) -> Entry | None:
        """The vendor whose prefix holds the packed address: own prefixes before weak ones, then the longest."""
        record: i64
        if len(address) == 4:
            record = self._vendor_v4.find(address)
        elif len(address) == 16:
            record = self._vendor_v6.find(address)
        else:
            record = 0
        return self._entry(record) if record else None

    def match_address_category(self, address: bytes) -> Entry | None:
        """The category whose prefix holds the packed address, such as that of a public resolver."""
        record: i64
        if len(address) == 4:
            record = self._category_v4.find(address)
        elif len(address) == 16:
            record = self._category_v6.find(address)
        else:
            record = 0
        return self._entry(record) if record else None

    def match_asn(self, asn: int) -> Entry | None:
        record = self._vendor_asns.get(asn, 0)
        return self._entry(record) if record else None

    def match_asn_category(self, asn: int) -> Entry | None:
        record = self._category_asns.get(asn, 0)
        return self._entry(record) if record else None

    def vendors(self) -> list[Vendor]:
        """Vendors, categories and shared infrastructure, in the order of their lists."""
        return list(self._vendors)

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order of the lists; of entries that are equal in kind and value, the first."""
        at = self._start
        while at < self._end:
            yield self._make(at)
            at += RECORD_HEAD + self._data[at + 1]

    def names_of(self, subject: str) -> Iterator[bytes]:
        """The listed names of a vendor, a service or a category, as `str(Subject)` writes it."""
        data = self._data
        for number in self._numbers.get(subject, ()):
            at = self._owned[number][FIRST]
            while at < self._owned[number][END]:
                size = data[at + 1]
                if data[at] <= EXACT and (data[at + 2] | data[at + 3] << 8) == number:
                    yield data[at + RECORD_HEAD : at + RECORD_HEAD + size]
                at += RECORD_HEAD + size

    def owners(self) -> list[Owner]:
        """Whose the entries are, by the numbers of `own_intervals`; number 0 is nobody."""
        return [Owner(""), *self._owners]

    def own_intervals(self, width: int, category: bool) -> tuple[list[bytes], list[int]]:
        """Whose each address of 4 or 16 bytes is by a prefix that is not shared, as intervals.

        They are sorted: their first addresses, packed, and their owners' numbers; each ends where the next begins.
        """
        data = self._data
        if width == 4:
            starts, records = (self._category_v4 if category else self._vendor_v4).intervals()
        else:
            starts, records = (self._category_v6 if category else self._vendor_v6).intervals()
        numbers = [0] * len(records)
        for at, record in enumerate(records):
            if record:
                owner = data[record + 2] | data[record + 3] << 8
                numbers[at] = 0 if self._owners[owner].weak else owner + 1
        return starts, numbers

    def _entry(self, record: int) -> Entry:
        kept = self._entries.get(record)
        if kept is not None:
            return kept
        if len(self._entries) >= ENTRIES_KEPT:
            self._entries.clear()
        entry = self._make(record)
        self._entries[record] = entry
        return entry

    def _make(self, record: int) -> Entry:
        data = self._data
        kind = data[record]
        owner = self._owners[data[record + 2] | data[record + 3] << 8]
        body = data[record + RECORD_HEAD : record + RECORD_HEAD + data[record + 1]]
        if kind == PREFIX:
            value = prefix_text(body[1:], body[0])
        elif kind == ASN:
            value = f"AS{int.from_bytes(body, 'big')}"
        else:
            value = body.decode("ascii")
        return Entry(KINDS[kind], value, owner.vendor, owner.service, owner.list, owner.weak, owner.category)
