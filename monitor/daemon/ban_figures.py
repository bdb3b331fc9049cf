"""Computes what each ban has blocked and leaked since it began.

Counters belong to a vendor or category, a service and a group; they only grow and outlive bans. Each figure is
therefore the counter's value minus its value when the ban began. The figures of a ban start at zero again if the ban is
removed and added again, or if its mode or layers change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from monitor.policy.ban import DNS, EVERYONE, IP, SHADOW, SNI, Ban
from monitor.policy.owners import subject_label

Numbers: TypeAlias = Mapping[str, Mapping[tuple[str, ...], float]]
# Two bans with the same key share one start value.
BanKey: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]


@dataclass(frozen=True)
class Figures:
    """What one ban did since `since` (seconds since the epoch).

    `blocked` maps each layer to a count: queries (dns), flows (sni), packets (ip). In shadow mode it counts what the
    ban would have blocked. `leaked` is in bytes.
    """

    since: float = 0.0
    blocked: Mapping[str, float] = field(default_factory=dict)
    leaked: float = 0.0


NOTHING: Final = Figures()

# The counter of each layer's blocked items.
COUNTERS: Final = {DNS: "dns_blocked_queries_total", SNI: "killed_flows_total", IP: "refused_packets_total"}


@final
class BanFigures:
    """Stores the counter values at the start of each ban."""

    def __init__(self) -> None:
        self._began: dict[BanKey, Figures] = {}

    def is_new(self, bans: Sequence[Ban]) -> bool:
        """Returns whether any of the bans has no stored start values yet."""
        return any(key_of(ban) not in self._began for ban in bans)

    def begin(self, bans: Sequence[Ban], numbers: Numbers, now: float) -> None:
        """Replaces the set of bans. For new bans, stores their counters in `numbers` as start values.

        Call it before the bans are in force.
        """
        before = self._began
        self._began = {}
        for ban in bans:
            key = key_of(ban)
            self._began[key] = before.get(key) or counted(ban, numbers, now)

    def of(self, ban: Ban, numbers: Numbers) -> Figures:
        began = self._began.get(key_of(ban), NOTHING)
        current = counted(ban, numbers, began.since)
        blocked = {layer: count - began.blocked.get(layer, 0.0) for layer, count in current.blocked.items()}
        return Figures(began.since, blocked, current.leaked - began.leaked)


def key_of(ban: Ban) -> BanKey:
    return ban.source, tuple(map(str, ban.subjects)), ban.groups, ban.mode, tuple(sorted(ban.layers))


def counted(ban: Ban, numbers: Numbers, since: float) -> Figures:
    """Returns the current counter values, summed over the ban's subjects and groups."""
    groups = ban.groups or (EVERYONE,)
    keys = {(*subject_label(str(subject)), group) for subject in ban.subjects for group in groups}
    blocked = dict.fromkeys(sorted(ban.layers), 0.0)
    for layer in blocked:
        if ban.mode == SHADOW:
            counts = numbers.get("shadow_blocked_total", {}).items()
            blocked[layer] = sum(value for labels, value in counts if labels[:3] in keys and labels[3] == layer)
        else:
            counts = numbers.get(COUNTERS[layer], {}).items()
            blocked[layer] = sum(value for labels, value in counts if labels in keys)
    leaks = numbers.get("leaked_bytes_total", {}).items()
    return Figures(since, blocked, sum(value for labels, value in leaks if labels[:3] in keys))
