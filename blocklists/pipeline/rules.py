"""What no source may add to the catalogue, whatever number of sources agree."""

from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from monitor.catalog.domain import is_under
from monitor.catalog.entry import SHARED
from monitor.catalog.index import Index
from monitor.catalog.suffixes import NO_SUFFIX, PublicSuffixes

FAMILIES_NEEDED: Final = 2
WEIGHT_NEEDED: Final = 1.5
# An entry of the pipeline that no source has named for so long is removed.
MONTHS_KEPT: Final = 6
# More additions to one vendor than this part of its names, and more than the number, wait for a person.
GROWTH_SHARE: Final = 0.1
GROWTH_NAMES: Final = 100


@cache
def registries() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def registrable(name: str) -> str:
    """The name that somebody registered (`example.co.uk` of `www.example.co.uk`), `""` of a public suffix."""
    return str(registries().privatesuffix(name) or "")


class Rules:
    """The rules with the data that they need: `innocents` are names of no vendor, such as banks'; `never`
    are names with the reason of a person who refused them."""

    def __init__(
        self,
        index: Index,
        suffixes: PublicSuffixes,
        protected: frozenset[bytes],
        innocents: frozenset[bytes],
        never: dict[str, str],
    ) -> None:
        self._index = index
        self._suffixes = suffixes
        self._protected = protected
        self._innocents = innocents
        self._never = never
        self._refused = frozenset(name.encode() for name in never)
        shared = {vendor.slug for vendor in index.vendors() if vendor.kind == SHARED}
        self._above_shared = frozenset(
            registrable(entry.value).encode()
            for entry in index.entries()
            if entry.kind in ("suffix", "exact") and (entry.vendor in shared or entry.hosting)
        )

    def fault(self, name: str) -> str:
        """Why the name may not be added, `""` where it may."""
        data = name.encode()
        if not registrable(name):
            return "a public suffix"
        if is_under(data, self._protected):
            return "a protected name"
        if self._suffixes.part_of(data) != NO_SUFFIX or data in self._above_shared:
            return "a shared name, under which customers live"
        entry = self._index.match_name(data)
        if entry is not None and (entry.hosting or entry.vendor == "shared-infrastructure"):
            return "a name of a customer on a shared network"
        if is_under(data, self._refused):
            return f"decided: {self._never.get(registrable(name), 'never added')}"
        if is_under(data, self._innocents):
            return "an innocent name, of a bank or a certificate authority"
        return ""
