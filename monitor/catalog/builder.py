"""Builds an index from entries. This runs in a child process or at the start, never per packet."""

import json
from collections.abc import Sequence
from typing import Final, TypeVar, final

from monitor.catalog.contents import Contents, drop_records
from monitor.catalog.coverage import count_records, subjects_of
from monitor.catalog.entry import ASN, EXACT, INCLUDED, PREFIX, SUFFIX, Alias, Owner, Vendor
from monitor.catalog.index import MAGIC, owner_fields
from monitor.catalog.name_table import RECORD_HEAD

DEFAULT_SEED: Final = 2166136261
MOST_OWNERS: Final = 65_536

K = TypeVar("K")


@final
class IndexBuilder:
    """Collects entries, list by list in the order of precedence, and returns the dump of an `Index`.

    `seed` (32 bits) starts the name hash; list authors must not know it.
    """

    __slots__ = (
        "_aliases", "_entries", "_ignored", "_includes", "_names", "_numbers", "_owners", "_records", "_seed",
        "_services",
    )  # fmt: skip

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._seed = seed
        self._records = bytearray()
        self._owners: list[Owner] = []
        self._numbers: dict[Owner, int] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._services: dict[tuple[str, str], dict[str, str]] = {}
        self._aliases: dict[tuple[str, str], dict[Alias, None]] = {}
        self._entries: dict[str, int] = {}
        self._ignored: dict[str, int] = {}
        self._includes: dict[str, frozenset[str]] = {}

    def number_of(self, owner: Owner) -> int:
        """Returns the number under which entries of this owner are added."""
        number = self._numbers.get(owner, -1)
        if number < 0:
            number = len(self._owners)
            if number >= MOST_OWNERS:
                raise ValueError(f"more than {MOST_OWNERS} different owners in the lists")
            self._numbers[owner] = number
            self._owners.append(owner)
        return number

    def add_name(self, name: bytes, exact: bool, owner: int) -> None:
        """Adds a name of at most 253 bytes in the form that `catalog.domain` returns."""
        self._records += bytes((EXACT if exact else SUFFIX, len(name), owner & 255, owner >> 8))
        self._records += name

    def add_prefix(self, address: bytes, bits: int, owner: int) -> None:
        self._records += bytes((PREFIX, 1 + len(address), owner & 255, owner >> 8, bits))
        self._records += address

    def add_asn(self, asn: int, owner: int) -> None:
        self._records += bytes((ASN, 4, owner & 255, owner >> 8))
        self._records += asn.to_bytes(4, "big")

    def add_vendor(self, vendor: Vendor) -> None:
        """Registers a vendor and its name; several lists may add to one vendor.

        The first name that differs from the slug is kept; a user's list has only the slug.
        """
        key = (vendor.kind, vendor.slug)
        keep_name(self._names, key, vendor.name, vendor.slug)
        services = self._services.setdefault(key, {})
        for slug, name in vendor.services:
            keep_name(services, slug, name, slug)
        self._aliases.setdefault(key, {}).update(dict.fromkeys(vendor.aliases))

    def include(self, category: str, subjects: Sequence[str]) -> None:
        """Makes the shipped entries of these subjects (`vendor`, `vendor/service`) entries of the category too.

        `build` applies this after all lists were added. AS numbers and weak prefixes are not included.
        """
        self._includes[category] = frozenset(subjects)

    def _take_included(self) -> None:
        numbers: list[list[int]] = [[] for _ in self._owners]
        for number, owner in enumerate(list(self._owners)):
            if owner.category or owner.user:
                continue
            meant = subjects_of(owner)
            for category, subjects in self._includes.items():
                if any(subject in subjects for subject in meant):
                    held = Owner(category, INCLUDED, category, owner.weak, True, hosting=owner.hosting)
                    numbers[number].append(self.number_of(held))
        self._copy_records(numbers, self._listed_by_categories())
        self._includes = {}

    def _listed_by_categories(self) -> set[bytes]:
        """Returns the `holder_key` of each record that a category lists itself. `build` does not add these again."""
        listed: set[bytes] = set()
        records = bytes(self._records)
        at = 0
        while at < len(records):
            end = at + RECORD_HEAD + records[at + 1]
            owner = self._owners[records[at + 2] | records[at + 3] << 8]
            if owner.category and owner.vendor in self._includes:
                listed.add(holder_key(owner.vendor, records[at], records[at + RECORD_HEAD : end]))
            at = end
        return listed

    def _copy_records(self, numbers: list[list[int]], listed: set[bytes]) -> None:
        """Copies each record to every owner in `numbers` of the record's owner."""
        records = bytes(self._records)
        at = 0
        while at < len(records):
            end = at + RECORD_HEAD + records[at + 1]
            number = records[at + 2] | records[at + 3] << 8
            kind = records[at]
            if numbers[number] and kind != ASN and not (kind == PREFIX and self._owners[number].weak):
                body = records[at + RECORD_HEAD : end]
                for held in numbers[number]:
                    key = holder_key(self._owners[held].vendor, kind, body)
                    if key not in listed:
                        listed.add(key)
                        self._records += bytes((kind, len(body), held & 255, held >> 8)) + body
            at = end

    def count_list(self, name: str, entries: int, ignored: int) -> None:
        """Stores how many lines of the list gave entries and how many did not."""
        self._entries[name] = self._entries.get(name, 0) + entries
        self._ignored[name] = self._ignored.get(name, 0) + ignored

    def build(self) -> bytes:
        """Returns the dump of everything added so far. Keeps only the first of equal entries of one holder."""
        if self._includes:
            self._take_included()
        data = MAGIC + bytes(self._records)
        contents = Contents(data, self._owners, self._seed)
        if contents.repeated:
            data = drop_records(data, contents.repeated)
            contents = Contents(data, self._owners, self._seed)
        tables = contents.tables()
        sets = contents.sets.dump()
        parts = [data, sets]
        places: list[tuple[int, int]] = []
        size = len(data) + len(sets)
        for count, table in tables:
            places.append((size, count))
            parts.append(table)
            size += len(table)
        directory = json.dumps(self._directory(data, places, contents), ensure_ascii=False).encode()
        parts += [directory, len(directory).to_bytes(4, "little")]
        return b"".join(parts)

    def _directory(self, data: bytes, places: list[tuple[int, int]], contents: Contents) -> dict[str, object]:
        return {
            "seed": self._seed,
            "records": [len(MAGIC), len(data)],
            "tables": places,
            "asns": list(contents.asns.items()),
            "owners": [owner_fields(owner) for owner in self._owners],
            "owned": count_records(data, len(MAGIC), len(data), len(self._owners)),
            "vendors": [[key[1], name, key[0], list(self._services[key].items())] for key, name in self._names.items()],
            "aliases": [[[a.text, a.service, a.part] for a in self._aliases[key]] for key in self._names],
            "entries": self._entries,
            "ignored": self._ignored,
        }


def holder_key(category: str, kind: int, body: bytes) -> bytes:
    """Returns a key that is equal for equal records of one category."""
    return b"%s %d %s" % (category.encode(), kind, body)


def keep_name(names: dict[K, str], key: K, name: str, slug: str) -> None:
    """Stores the name if only the slug is known so far."""
    if names.get(key, slug) == slug:
        names[key] = name
