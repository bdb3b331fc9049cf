"""The series of bans, within the budget: `[limits].series` for each family, in which zeros have half.

Prometheus sees a rise only where it saw the zero before it, so a ban's counters are there before they count. A policy
of many groups and vendors would make more zeros than all that will ever be counted; the zeros are made in this order
until half of the budget is spent: the bans as they stand in the configuration, of each its subjects, of each its
groups. A counter without a zero is made when it counts. Where the budget is spent, it is `other` that counts.
"""

from typing import Final, final

from monitor.attribution.counters import OTHER, Cell, Traffic
from monitor.policy.owners import SubjectLabel

# Of the budget, for the series of `other`: one for each value of the last label, in two directions.
RESERVED: Final = 32


@final
class SeriesBudget:
    """How many series a family may have; `width` is how many one counter makes, `folded` counts those refused."""

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
        """The counter is there from now on, at zero, if there is room."""
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
    """The same of bytes in both directions; the label is the evidence."""

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
