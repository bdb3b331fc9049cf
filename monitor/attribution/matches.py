"""Caches the catalogue's matches of names.

Between two reloads a name has the same owners, so the owners and the attributions derived from them are kept in a
bounded table (`generations.py`).
"""

from typing import Final, final

from monitor.attribution.counters import UNKNOWN, Attribution, Cell
from monitor.attribution.generations import Generations
from monitor.catalog.index import Index
from monitor.catalog.owners import Owners

SNI: Final = "sni"
QUIC: Final = "quic"
HTTP: Final = "http"
DNS: Final = "dns"
MIGRATED: Final = "migrated"
PREFIX: Final = "prefix"
ASN: Final = "asn"
NOTHING: Final = "none"
# All of them, strongest first.
EVIDENCE: Final = (SNI, QUIC, HTTP, DNS, MIGRATED, PREFIX, ASN, NOTHING)


@final
class Match:
    """A name and its owners: `entry` is None if no vendor is among them.

    `asked` is a cached counter: that of queries for the name by devices of the group `asked_by`.
    """

    __slots__ = ("_by_evidence", "asked", "asked_by", "entry", "name", "owners", "service", "vendor")

    def __init__(self, name: bytes, owners: Owners) -> None:
        entry = owners.entry
        self.name = name
        self.owners = owners
        self.entry = entry
        self.vendor = UNKNOWN if entry is None else entry.vendor
        self.service = UNKNOWN if entry is None else entry.service
        self.asked: Cell | None = None
        self.asked_by = ""
        self._by_evidence: dict[str, Attribution] | None = None

    def attribution(self, evidence: str) -> Attribution | None:
        """Returns the attribution of a flow by this name, None if the name has no vendor."""
        entry = self.entry
        if entry is None:
            return None
        kept = self._by_evidence
        if kept is None:
            kept = {}
            self._by_evidence = kept
        made = kept.get(evidence)
        if made is None:
            owners = self.owners.vendors
            made = Attribution(entry.vendor, entry.service, evidence, entry.list, entry.value, owners, entry.user)
            kept[evidence] = made
        return made


@final
class Matches:
    """Maps names to matches, at most `limit` of them."""

    __slots__ = ("_index", "_kept")

    def __init__(self, index: Index, limit: int) -> None:
        self._index = index
        self._kept: Generations[Match] = Generations(limit)

    def reload(self, index: Index) -> None:
        self._index = index
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def resize(self, limit: int) -> None:
        """Takes another limit; names above it leave when the next ones come."""
        self._kept.limit = limit

    def of(self, name: bytes) -> Match:
        match = self._kept.young.get(name)
        return match if match is not None else self._look_up(name)

    def _look_up(self, name: bytes) -> Match:
        match = self._kept.find(name)
        if match is None:
            match = Match(name, self._index.owners_of_name(name))
            self._kept.put(name, match)
        return match
