"""Counts the entries of each kind that the lists have for a vendor, a service or a category."""

from dataclasses import dataclass
from typing import Final

from monitor.catalog.entry import ASN, CATEGORY_MARK, PREFIX, UNKNOWN_SERVICE, Owner
from monitor.catalog.name_table import RECORD_HEAD

# Indexes into the counts of an owner.
NAMES: Final = 0
PREFIXES: Final = 1
ASNS: Final = 2
FIRST: Final = 3
END: Final = 4


@dataclass(frozen=True)
class Coverage:
    """Numbers of entries. `shared` counts prefixes of clouds and CDNs, which are never banned by address."""

    names: int = 0
    prefixes: int = 0
    shared: int = 0
    asns: int = 0

    @property
    def entries(self) -> int:
        return self.names + self.prefixes + self.shared + self.asns

    def plus(self, other: "Coverage") -> "Coverage":
        return Coverage(
            self.names + other.names,
            self.prefixes + other.prefixes,
            self.shared + other.shared,
            self.asns + other.asns,
        )


NO_COVERAGE: Final = Coverage()


def count_records(data: bytes, start: int, end: int, owners: int) -> list[list[int]]:
    """Returns for each owner number: names, prefixes, AS numbers, and the span of its records in the dump."""
    counts = [[0, 0, 0, 0, 0] for _ in range(owners)]
    at = start
    while at < end:
        kind = data[at]
        count = counts[data[at + 2] | data[at + 3] << 8]
        count[PREFIXES if kind == PREFIX else ASNS if kind == ASN else NAMES] += 1
        if not count[FIRST]:
            count[FIRST] = at
        at += RECORD_HEAD + data[at + 1]
        count[END] = at
    return counts


def numbers_of(owners: list[Owner]) -> dict[str, list[int]]:
    """Returns the owner numbers that each subject of a ban covers; subjects are written as `str(Subject)`."""
    found: dict[str, list[int]] = {}
    for number, owner in enumerate(owners):
        for subject in subjects_of(owner):
            found.setdefault(subject, []).append(number)
    return found


def cover(numbers: dict[str, list[int]], owners: list[Owner], counts: list[list[int]]) -> dict[str, Coverage]:
    """Returns the coverage of every subject of a ban; a vendor's coverage includes all its services."""
    found: dict[str, Coverage] = {}
    for subject, some in numbers.items():
        total = NO_COVERAGE
        for number in some:
            count, weak = counts[number], owners[number].weak
            prefixes = count[PREFIXES]
            total = total.plus(Coverage(count[NAMES], 0 if weak else prefixes, prefixes if weak else 0, count[ASNS]))
        found[subject] = total
    return found


def subjects_of(owner: Owner) -> list[str]:
    """Returns the subjects of a ban that cover entries of this owner."""
    if owner.category:
        return [CATEGORY_MARK + owner.vendor]
    services = [service for service in (owner.service, *owner.also) if service != UNKNOWN_SERVICE]
    return [owner.vendor, *[f"{owner.vendor}/{service}" for service in services]]
