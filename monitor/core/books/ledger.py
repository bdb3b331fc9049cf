"""The ledger: what each device exchanged with which vendor, and the series that become metrics.

Flows keep references to their cells; the tables here only create cells and limit their number. Counters never decrease:
an evicted tally remains counted in its series, and a series beyond the budget is folded into `other`.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.counters import OTHER, UNKNOWN, Attribution, Cell, Destination, Tally, Traffic
from monitor.attribution.devices import Device
from monitor.attribution.remotes import NO_ASN, RemoteAddress
from monitor.core.flow.blindness import ECH_OFFERED, ECH_REAL, METHODS, REASONS

DESTINATIONS: Final = 4096
# flow_bytes_total has two directions, flows_total one.
TRAFFIC_SERIES: Final = 3


@final
class Budget:
    """The number of label sets that may exist; `folded` counts those that were refused."""

    __slots__ = ("folded", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.folded = 0

    def take(self, series: int) -> bool:
        if self.used + series > self.limit:
            self.folded += 1
            return False
        self.used += series
        return True


@final
class SeriesFamily:
    """Counters of one metric whose first label is a vendor, which is the label with the most values."""

    __slots__ = ("_budget", "cells")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.cells: dict[tuple[str, str, str], Cell] = {}

    def of(self, vendor: str, group: str, last: str) -> Cell:
        """Returns the counter of these labels, or that of `other` if the budget is spent."""
        cell = self.cells.get((vendor, group, last))
        if cell is not None:
            return cell
        key = (vendor, group, last) if self._budget.take(1) else (OTHER, group, last)
        cell = self.cells.get(key)
        if cell is None:
            cell = Cell()
            self.cells[key] = cell
        return cell


@final
class Ledger:
    """Tallies (at most `limit`), traffic series, destinations, and the small counters by group."""

    __slots__ = (
        "blind", "budget", "bypasses", "destinations", "ech", "elsewhere", "evictions", "handshakes", "limit",
        "queries", "small", "tallies", "traffic",
    )  # fmt: skip

    def __init__(self, limit: int, series: int) -> None:
        self.limit = limit
        self.budget = Budget(series)
        self.tallies: dict[tuple[int, bytes, str, str, str, str], Tally] = {}
        self.traffic: dict[tuple[str, str, str, str], Traffic] = {}
        self.destinations: dict[tuple[int, str], Destination] = {}
        self.elsewhere = Destination(OTHER, OTHER)
        self.queries = SeriesFamily(self.budget)
        self.handshakes = SeriesFamily(self.budget)
        self.small = Budget(series)
        self.blind: dict[tuple[str, str], Cell] = {}
        self.ech: dict[tuple[str, str], Cell] = {}
        self.bypasses: dict[tuple[str, str], Cell] = {}
        self.evictions = 0

    def resize(self, limit: int, series: int) -> None:
        self.limit = limit
        self.budget.limit = series
        self.small.limit = series

    def step(self, seconds: float) -> None:
        """Shifts the times after a clock step, so that a device seen in the last hour still counts."""
        for tally in self.tallies.values():
            tally.first += seconds
            tally.last += seconds

    def tally(self, device: Device, origin: bytes, group: str, attribution: Attribution, now: float) -> Tally:
        """Returns the tally of this device and attribution, created if it does not exist."""
        recent = device.recent
        # Consecutive traffic of a device mostly goes to one vendor, so the key need not be built again.
        if isinstance(recent, Tally) and is_page(recent, origin, group, attribution):
            return recent
        vendor, service, evidence = attribution.vendor, attribution.service, attribution.evidence
        key = (device.number, origin, group, vendor, service, evidence)
        tally = self.tallies.get(key)
        if tally is None:
            if len(self.tallies) >= self.limit:
                self._evict()
            series = self._series(vendor, service, group, evidence)
            tally = Tally(key, device, origin, group, attribution, series, now)
            self.tallies[key] = tally
        if tally.attribution is attribution:
            device.recent = tally
        return tally

    def destination(self, place: RemoteAddress) -> Destination:
        """Returns the counter of the address's network and country."""
        found = place.destination
        if found is None:
            found = self._destination_of(place.asn, place.country)
            place.destination = found
        return found

    def expect(self, groups: Sequence[str]) -> None:
        """Creates the small counters of these groups at zero, so that their first increase is visible."""
        for group in groups:
            if self.small.used * 2 > self.small.limit:
                return
            for reason in REASONS:
                self.blind_cell(group, reason)
            for method in METHODS:
                self._labelled(self.bypasses, group, method)
            for kind in (ECH_OFFERED, ECH_REAL):
                self._labelled(self.ech, group, kind)

    def blind_cell(self, group: str, reason: str) -> Cell:
        return self._labelled(self.blind, group, reason)

    def bypass(self, group: str, method: str) -> None:
        self._labelled(self.bypasses, group, method).value += 1

    def ech_hello(self, group: str, kind: str) -> None:
        self._labelled(self.ech, group, kind).value += 1

    def _labelled(self, cells: dict[tuple[str, str], Cell], group: str, last: str) -> Cell:
        """Returns the counter of a group, or that of the group `other` if there are too many."""
        cell = cells.get((group, last))
        if cell is not None:
            return cell
        return labelled(cells, group if self.small.take(1) else OTHER, last)

    def _series(self, vendor: str, service: str, group: str, evidence: str) -> Traffic:
        key = (vendor, service, group, evidence)
        series = self.traffic.get(key)
        if series is None and not self.budget.take(TRAFFIC_SERIES):
            key = (OTHER, OTHER, group, evidence)
            series = self.traffic.get(key)
        if series is None:
            series = Traffic()
            self.traffic[key] = series
        return series

    def _destination_of(self, asn: int, country: str) -> Destination:
        key = (asn, country)
        found = self.destinations.get(key)
        if found is not None:
            return found
        if len(self.destinations) >= DESTINATIONS:
            return self.elsewhere
        found = Destination(UNKNOWN if asn == NO_ASN else f"AS{asn}", country or UNKNOWN)
        self.destinations[key] = found
        return found

    def _evict(self) -> None:
        """Evicts the 1/64 of the tallies that is idle for longest; their bytes remain counted in their series."""
        ages = sorted([(tally.last, tally.key) for tally in self.tallies.values()])
        for _, key in ages[: max(1, len(ages) // 64)]:
            self.tallies.pop(key).gone = True
            self.evictions += 1


def is_page(tally: Tally, origin: bytes, group: str, attribution: Attribution) -> bool:
    """Whether the tally has these values and is still in the ledger."""
    return tally.attribution is attribution and tally.origin == origin and tally.group == group and not tally.gone


def labelled(cells: dict[tuple[str, str], Cell], first: str, second: str) -> Cell:
    """Returns the counter of two labels from closed sets."""
    cell = cells.get((first, second))
    if cell is None:
        cell = Cell()
        cells[first, second] = cell
    return cell
