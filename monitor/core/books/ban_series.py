"""The budget of the series of bans: `[limits].series` for each family, of which zeros may use half.

Prometheus detects an increase only if it has scraped the zero before, so a ban's counters exist before their first
event. A policy with many groups and vendors would create more zeros than counters that are ever used. Zeros are
therefore created until half of the budget is spent, in this order: bans in the order of the configuration, the subjects
of each ban, the groups of each subject. A counter without a zero is created at its first event. Once the budget is
spent, events count under `other`.
"""

from typing import Final, final

from monitor.attribution.counters import OTHER, Cell, Traffic
from monitor.policy.owners import SubjectLabel

# The part of the budget reserved for `other`: one series for each value of the last label, in two directions.
RESERVED: Final = 32


@final
class SeriesBudget:
    """The series that a family may have. `width` is the series per counter, `folded` counts refused counters."""

    __slots__ = ("_width", "folded", "limit", "used")

    def __init__(self, limit: int, width: int = 1) -> None:
        self.limit = limit
        self.used = 0
        self.folded = 0
        self._width = width

    def has_room_for_zero(self) -> bool:
        return (self.used + self._width) * 2 <= self.limit

    def take(self) -> bool:
        if self.used + self._width > self.limit - RESERVED:
            self.folded += 1
            return False
        self.used += self._width
        return True


@final
class BanCells:
    """Counters of one family by vendor, service (`""`: a ban of the whole vendor), the ban's group and a label from a
    small closed set (`""`: no such label).
    """

    __slots__ = ("budget", "cells")

    def __init__(self, limit: int) -> None:
        self.budget = SeriesBudget(limit)
        self.cells: dict[tuple[str, str, str, str], Cell] = {}

    def expect(self, label: SubjectLabel, group: str, last: str) -> None:
        """Creates the counter at zero if the budget has room."""
        if (label[0], label[1], group, last) not in self.cells and self.budget.has_room_for_zero():
            self.of(label, group, last)

    def of(self, label: SubjectLabel, group: str, last: str) -> Cell:
        key = (label[0], label[1], group, last)
        cell = self.cells.get(key)
        if cell is None:
            if not self.budget.take():
                key = (OTHER, OTHER, OTHER, last)
                cell = self.cells.get(key)
            if cell is None:
                cell = Cell()
                self.cells[key] = cell
        return cell


@final
class BanTraffic:
    """As `BanCells`, for bytes in both directions; the last label is the evidence."""

    __slots__ = ("budget", "cells")

    def __init__(self, limit: int) -> None:
        self.budget = SeriesBudget(limit, 2)
        self.cells: dict[tuple[str, str, str, str], Traffic] = {}

    def expect(self, label: SubjectLabel, group: str, last: str) -> None:
        if (label[0], label[1], group, last) not in self.cells and self.budget.has_room_for_zero():
            self.of(label, group, last)

    def of(self, label: SubjectLabel, group: str, last: str) -> Traffic:
        key = (label[0], label[1], group, last)
        traffic = self.cells.get(key)
        if traffic is None:
            if not self.budget.take():
                key = (OTHER, OTHER, OTHER, last)
                traffic = self.cells.get(key)
            if traffic is None:
                traffic = Traffic()
                self.cells[key] = traffic
        return traffic
