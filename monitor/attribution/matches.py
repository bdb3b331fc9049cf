"""What the catalogue says of a name, looked up once and remembered.

Between two reloads a name means the same, so its owners and the attributions that follow from them are kept, in two
generations: what was asked for lately survives, and the whole never holds more than its limit.
"""

from typing import Final, final

from monitor.attribution.counters import UNKNOWN, Attribution, Cell
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
    """A name and its owners: `entry` is None where no vendor is among them.

    `asked` counts the questions for it that devices of the group `asked_by` had: the counter that was used last.
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
        """The attribution of a flow that this name speaks for, None where no vendor follows from it."""
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
    """Names to matches, at most `limit` of them."""

    __slots__ = ("_index", "_limit", "_old", "_young")

    def __init__(self, index: Index, limit: int) -> None:
        self._index = index
        self._limit = limit
        self._young: dict[bytes, Match] = {}
        self._old: dict[bytes, Match] = {}

    def reload(self, index: Index) -> None:
        self._index = index
        self._young = {}
        self._old = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, name: bytes) -> Match:
        match = self._young.get(name)
        return match if match is not None else self._look_up(name)

    def _look_up(self, name: bytes) -> Match:
        match = self._old.pop(name, None)
        if match is None:
            match = Match(name, self._index.owners_of_name(name))
        if len(self._young) * 2 >= self._limit:
            self._old = self._young
            self._young = {}
        self._young[name] = match
        return match
