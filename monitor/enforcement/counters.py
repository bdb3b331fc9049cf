"""The table's counters as metrics: what the kernel refused by address, and what it only counted."""

from collections.abc import Mapping
from typing import final

from monitor.model import Samples
from monitor.policy.ban import IP, SHADOW
from monitor.policy.table.desired import CounterLabel


@final
class KernelCounters:
    """Totals that only grow, although counters of the table come and go with its bans."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._totals: dict[CounterLabel, int] = {}

    def read(self, counters: Mapping[str, tuple[int, int]], labels: Mapping[str, CounterLabel]) -> None:
        """Takes the packets that came on top; a counter that shrank was made anew."""
        for name, (packets, _) in counters.items():
            label = labels.get(name)
            if label is not None:
                before = self._last.get(name, 0)
                self._totals[label] = self._totals.get(label, 0) + packets - (before if before <= packets else 0)
        self._last = {name: packets for name, (packets, _) in counters.items()}

    def samples(self) -> Samples:
        """`refused_packets_total`, and `shadow_blocked_total` of layer `ip` in packets: each is refused and so the last
        one. `blocked_total` is the old name of both the first and what the core counts.
        """
        refused: dict[tuple[str, ...], float] = {}
        old: dict[tuple[str, ...], float] = {}
        shadowed: dict[tuple[str, ...], float] = {}
        for label, packets in self._totals.items():
            if label.layer != IP or not packets:
                continue
            if label.mode == SHADOW:
                add_to(shadowed, (label.vendor, label.service, label.group, IP), packets)
            else:
                add_to(refused, (label.vendor, label.service, label.group), packets)
                add_to(old, (label.vendor, label.group, IP), packets)
        return {"refused_packets_total": refused, "blocked_total": old, "shadow_blocked_total": shadowed}


def add_to(totals: dict[tuple[str, ...], float], key: tuple[str, ...], more: float) -> None:
    totals[key] = totals.get(key, 0.0) + more
