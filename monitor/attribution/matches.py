"""What the catalogue says of a name, looked up once and remembered.

Between two reloads a name means the same, so the vendor, the category and the attributions that follow from them are
kept, in two generations: what was asked for lately survives, and the whole never holds more than its limit.
"""

from typing import Final, final

from monitor.attribution.counters import UNKNOWN, Attribution, Cell
from monitor.catalog.entry import Entry
from monitor.catalog.index import Index

SNI: Final = "sni"
QUIC: Final = "quic"
HTTP: Final = "http"
DNS: Final = "dns"
PREFIX: Final = "prefix"
ASN: Final = "asn"
NOTHING: Final = "none"
# All of them, strongest first.
EVIDENCE: Final = (SNI, QUIC, HTTP, DNS, PREFIX, ASN, NOTHING)


@final
class Match:
    """A name and what is known about it: `entry` is None and `category` empty where no list knows it.

    `asked` counts the questions for it that devices of the group `asked_by` had: the counter that was used last.
    """

    __slots__ = ("_by_evidence", "asked", "asked_by", "category", "entry", "name", "service", "vendor")

    def __init__(self, name: bytes, entry: Entry | None, category: Entry | None) -> None:
        self.name = name
        self.entry = entry
        self.category = "" if category is None else category.vendor
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
            made = Attribution(entry.vendor, entry.service, evidence, entry.list, entry.value)
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
            match = Match(name, self._index.match_name(name), self._index.match_category(name))
        if len(self._young) * 2 >= self._limit:
            self._old = self._young
            self._young = {}
        self._young[name] = match
        return match
