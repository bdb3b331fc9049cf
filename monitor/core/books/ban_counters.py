"""Ban counters: what bans blocked, what they would have blocked, and what passed nevertheless.

A leak is traffic that passed after the ban took effect. The bytes of a killed flow up to its ClientHello count as
blocked bytes; its later bytes are not counted. Server data that passed after the hello and before the kill reached the
kernel counts as a late answer.

A counter exists, at zero, as soon as a ban that may increase it is in force, and is kept when the ban ends: Prometheus
detects an increase only if it has scraped the zero before. The budget of series limits this, see `ban_series.py`.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.counters import OTHER, Cell, Traffic
from monitor.attribution.matches import EVIDENCE
from monitor.core.books.ban_series import BanCells, BanTraffic, SeriesBudget
from monitor.core.books.recent_devices import RecentDevices
from monitor.model import Samples
from monitor.policy.ban import DNS, ENFORCE, EVERYONE, IP, SHADOW, Ban
from monitor.policy.owners import SubjectLabel, subject_label

UP: Final = "up"
DOWN: Final = "down"


@final
class BanCounters:
    """Counters by labels from closed sets: vendor or category, service (`""` without one), the ban's group (`all`
    without one), layer, evidence.
    """

    __slots__ = ("blocked", "blocked_bytes", "late", "leaked", "shadowed", "trying")

    def __init__(self, trying: int, series: int) -> None:
        self.blocked = BanCells(series)
        self.shadowed = BanCells(series)
        self.leaked = BanTraffic(series)
        self.blocked_bytes = BanCells(series)
        self.late = Cell()
        self.trying = RecentDevices(trying)

    def resize(self, trying: int, series: int) -> None:
        self.trying.limit = trying
        for budget in self._budgets():
            budget.limit = series

    @property
    def folded(self) -> int:
        """Returns how often an event was counted under `other`, because the budget of its family was spent."""
        return sum([budget.folded for budget in self._budgets()])

    def _budgets(self) -> list[SeriesBudget]:
        return [self.blocked.budget, self.shadowed.budget, self.leaked.budget, self.blocked_bytes.budget]

    def expect(self, bans: Sequence[Ban]) -> None:
        """Creates the counters of the bans in force at zero, until half of the budget is spent."""
        for ban in bans:
            for subject in ban.subjects:
                for group in ban.groups or (EVERYONE,):
                    self._expect(ban, subject_label(str(subject)), group)

    def _expect(self, ban: Ban, label: SubjectLabel, group: str) -> None:
        if ban.mode == SHADOW:
            for layer in sorted(ban.layers):
                self.shadowed.expect(label, group, layer)
        elif ban.mode == ENFORCE:
            for layer in sorted(ban.layers):
                self.blocked.expect(label, group, layer)
            for evidence in EVIDENCE:
                self.leaked.expect(label, group, evidence)
            self.blocked_bytes.expect(label, group, "")

    def block(self, label: SubjectLabel, group: str, layer: str, device: int, now: float) -> None:
        """Counts a block of the device with this number."""
        self.blocked.of(label, group, layer).value += 1
        self.trying.note(label, group, device, now)

    def shadow(self, label: SubjectLabel, group: str, layer: str) -> None:
        self.shadowed.of(label, group, layer).value += 1

    def leak_of(self, label: SubjectLabel, group: str, evidence: str) -> Traffic:
        """Returns the counter for the bytes of a flow that passes."""
        return self.leaked.of(label, group, evidence)

    def blocked_bytes_of(self, label: SubjectLabel, group: str) -> Cell:
        return self.blocked_bytes.of(label, group, "")

    def put(self, samples: Samples, now: float) -> None:
        put_blocked(samples, self.blocked)
        samples["shadow_blocked_total"] = {key: float(cell.value) for key, cell in self.shadowed.cells.items()}
        samples["late_answers_total"] = {(): float(self.late.value)}
        leaked: dict[tuple[str, ...], float] = {}
        for (vendor, service, group, evidence), traffic in self.leaked.cells.items():
            leaked[vendor, service, group, UP, evidence] = float(traffic.up)
            leaked[vendor, service, group, DOWN, evidence] = float(traffic.down)
        samples["leaked_bytes_total"] = leaked
        trying = self.trying.counts(now)
        blocked: dict[tuple[str, ...], float] = {}
        devices: dict[tuple[str, ...], float] = {}
        for (vendor, service, group, _), cell in self.blocked_bytes.cells.items():
            blocked[vendor, service, group] = float(cell.value)
            devices[vendor, service, group] = float(trying.pop((vendor, service, group), 0))
        if (OTHER, OTHER, OTHER) in devices:
            devices[OTHER, OTHER, OTHER] = float(sum(trying.values()))
        samples["blocked_bytes_total"] = blocked
        samples["ban_devices"] = devices


def put_blocked(samples: Samples, blocked: BanCells) -> None:
    """Adds the counters of blocked queries, flows and packets, and under the old name their sum by layer.

    The kernel counts the packets that it rejects by address, and `enforcement/counters.py` adds them: here, their
    counters are zero. A flow that was killed because of its address counts as a flow, and under the old name with
    layer `ip`.
    """
    queries: dict[tuple[str, ...], float] = {}
    flows: dict[tuple[str, ...], float] = {}
    packets: dict[tuple[str, ...], float] = {}
    old: dict[tuple[str, ...], float] = {}
    for (vendor, service, group, layer), cell in blocked.cells.items():
        key, value = (vendor, service, group), float(cell.value)
        old[vendor, group, layer] = old.get((vendor, group, layer), 0.0) + value
        if layer == DNS:
            queries[key] = value
            continue
        flows[key] = flows.get(key, 0.0) + value
        if layer == IP:
            packets[key] = 0.0
    samples["dns_blocked_queries_total"] = queries
    samples["killed_flows_total"] = flows
    samples["refused_packets_total"] = packets
    samples["blocked_total"] = old
