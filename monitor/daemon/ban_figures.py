"""What each ban has blocked and what leaked since it began: counters only grow, so the figures are differences.

A counter is that of a vendor or category, a service and a group, and outlives its bans. A ban that is made anew, in
another mode or with other layers begins again at zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from monitor.policy.ban import DNS, EVERYONE, IP, SHADOW, SNI, Ban
from monitor.policy.owners import subject_label

Numbers: TypeAlias = Mapping[str, Mapping[tuple[str, ...], float]]
# What makes two bans one and the same for its counters.
BanKey: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]


@dataclass(frozen=True)
class Figures:
    """`blocked` has by layer the queries (dns), flows (sni) and packets (ip) that a ban stopped, in shadow those that
    it would have stopped. `leaked` are bytes, `since` is in seconds since the epoch.
    """

    since: float = 0.0
    blocked: Mapping[str, float] = field(default_factory=dict)
    leaked: float = 0.0


NOTHING: Final = Figures()

# What counts what each layer stopped.
COUNTERS: Final = {DNS: "dns_blocked_queries_total", SNI: "killed_flows_total", IP: "refused_packets_total"}


@final
class BanFigures:
    """Remembers where the counters stood when each ban began."""

    def __init__(self) -> None:
        self._began: dict[BanKey, Figures] = {}

    def is_new(self, bans: Sequence[Ban]) -> bool:
        """Whether one of the bans has not begun yet."""
        return any(key_of(ban) not in self._began for ban in bans)

    def begin(self, bans: Sequence[Ban], numbers: Numbers, now: float) -> None:
        """These are all bans from now on; to be called before they are in force."""
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
    """What the counters of the ban's subjects and groups have."""
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
