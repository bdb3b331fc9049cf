"""The proof: what bans stopped, what they would have stopped, and what passed all the same.

A leak is what passed after the ban took effect. The bytes of a killed flow up to its hello are blocked bytes, what
it goes on sending is nothing. A server's data that passed behind the hello, before the kill was in the kernel,
makes an answer that came too late.

A counter is there, at zero, as soon as a ban that may move it is in force, and stays when the ban is over: Prometheus
sees a rise only where it saw the nothing before it. That goes as far as the budget of series does, see `ban_series.py`.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.counters import OTHER, Cell, Traffic
from monitor.attribution.matches import EVIDENCE
from monitor.core.ban_series import BanCells, BanTraffic, SeriesBudget
from monitor.core.trying import Trying
from monitor.model import Samples
from monitor.policy.ban import ENFORCE, EVERYONE, SHADOW, Ban

UP: Final = "up"
DOWN: Final = "down"


@final
class Proof:
    """Counters by labels from closed sets: vendor or category, the ban's group (`all` without one), layer, evidence."""

    __slots__ = ("blocked", "blocked_bytes", "late", "leaked", "shadowed", "trying")

    def __init__(self, trying: int, series: int) -> None:
        self.blocked = BanCells(series)
        self.shadowed = BanCells(series)
        self.leaked = BanTraffic(series)
        self.blocked_bytes = BanCells(series)
        self.late = Cell()
        self.trying = Trying(trying)

    def resize(self, trying: int, series: int) -> None:
        self.trying.limit = trying
        for budget in self._budgets():
            budget.limit = series

    @property
    def folded(self) -> int:
        """How often a counter of `other` counted because a family's budget was spent."""
        return sum([budget.folded for budget in self._budgets()])

    def _budgets(self) -> list[SeriesBudget]:
        return [self.blocked.budget, self.shadowed.budget, self.leaked.budget, self.blocked_bytes.budget]

    def expect(self, bans: Sequence[Ban]) -> None:
        """Makes the counters of bans that are in force now, as far as the budget goes."""
        for ban in bans:
            for subject in ban.subjects:
                for group in ban.groups or (EVERYONE,):
                    self._expect(ban, subject.category or subject.vendor, group)

    def _expect(self, ban: Ban, vendor: str, group: str) -> None:
        if ban.mode == SHADOW:
            for layer in sorted(ban.layers):
                self.shadowed.expect(vendor, group, layer)
        elif ban.mode == ENFORCE:
            for layer in sorted(ban.layers):
                self.blocked.expect(vendor, group, layer)
            for evidence in EVIDENCE:
                self.leaked.expect(vendor, group, evidence)
            self.blocked_bytes.expect(vendor, group, "")

    def block(self, vendor: str, group: str, layer: str, device: int, now: float) -> None:
        """The device with this number was stopped."""
        self.blocked.of(vendor, group, layer).value += 1
        self.trying.note(vendor, group, device, now)

    def shadow(self, vendor: str, group: str, layer: str) -> None:
        self.shadowed.of(vendor, group, layer).value += 1

    def leak_of(self, vendor: str, group: str, evidence: str) -> Traffic:
        """Where the bytes of one flow go that pass."""
        return self.leaked.of(vendor, group, evidence)

    def blocked_bytes_of(self, vendor: str, group: str) -> Cell:
        return self.blocked_bytes.of(vendor, group, "")

    def put(self, samples: Samples, now: float) -> None:
        samples["blocked_total"] = {key: float(cell.value) for key, cell in self.blocked.cells.items()}
        samples["shadow_blocked_total"] = {key: float(cell.value) for key, cell in self.shadowed.cells.items()}
        samples["late_answers_total"] = {(): float(self.late.value)}
        leaked: dict[tuple[str, ...], float] = {}
        for (vendor, group, evidence), traffic in self.leaked.cells.items():
            leaked[vendor, group, UP, evidence] = float(traffic.up)
            leaked[vendor, group, DOWN, evidence] = float(traffic.down)
        samples["leaked_bytes_total"] = leaked
        trying = self.trying.counts(now)
        blocked: dict[tuple[str, ...], float] = {}
        devices: dict[tuple[str, ...], float] = {}
        for (vendor, group, _), cell in self.blocked_bytes.cells.items():
            blocked[vendor, group] = float(cell.value)
            devices[vendor, group] = float(trying.pop((vendor, group), 0))
        if (OTHER, OTHER) in devices:
            devices[OTHER, OTHER] = float(sum(trying.values()))
        samples["blocked_bytes_total"] = blocked
        samples["ban_devices"] = devices
