"""The table's counters as metrics: packets refused by address, and packets of shadow bans."""

from collections.abc import Mapping
from typing import final

from monitor.model import Samples
from monitor.policy.ban import IP, SHADOW
from monitor.policy.table.desired import CounterLabel


@final
class KernelCounters:
    """Totals that only grow, although the table's counters are created and deleted with its bans."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._totals: dict[CounterLabel, int] = {}

    def read(self, counters: Mapping[str, tuple[int, int]], labels: Mapping[str, CounterLabel]) -> None:
        """Adds the packets since the last read. A counter that decreased was created again."""
        for name, (packets, _) in counters.items():
            label = labels.get(name)
            if label is not None:
                before = self._last.get(name, 0)
                self._totals[label] = self._totals.get(label, 0) + packets - (before if before <= packets else 0)
        self._last = {name: packets for name, (packets, _) in counters.items()}

    def samples(self) -> Samples:
        """Returns `refused_packets_total` and, for layer `ip`, `shadow_blocked_total`, both in packets. `blocked_total`
        is the old name of the former and of the core's counts. A refusal ends a connection, so a ban refuses fewer
        packets than a shadow ban counts.
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
