"""The state of a ban: whether it has an effect now, and the reason if it has none.

| state | meaning |
|---|---|
| effective | in force for devices that were seen, or for all devices, and at least one of its layers can act |
| idle | in force, but no device of the group was seen in the last hour; this is not a fault |
| waiting | a subscription that the ban depends on was not fetched yet |
| ineffective | the ban cannot stop anything: a mistake in the configuration, or enforcement is down |
| off | out of force on purpose: `enabled = false`, paused, outside the schedule, or mode `observe`, which only counts |

Each pair of a subject and a group has a state, because one ban may have several of both. A mistake takes precedence
over the other states, so that it is visible while the ban is paused or outside its schedule. A shadow ban has the state
that an enforced one would have: `effective` means that it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.policy.ban import CLOSED, DNS, ENFORCE, EVERYONE, LAYERS, OBSERVE, Ban, is_over
from monitor.policy.ban_conditions import (
    EFFECTIVE,
    ENFORCEMENT,
    FINE,
    GROUPS,
    IDLE,
    INEFFECTIVE,
    LAYERS_KEY,
    OFF,
    SCHEDULE,
    UNTIL,
    WAITING,
    Conditions,
    Outcome,
)
from monitor.policy.ban_subject import subject_outcome
from monitor.policy.group_cover import empty_reason
from monitor.policy.group_words import parts_of
from monitor.policy.schedule import LocalTime, next_change
from monitor.policy.shared_prefixes import open_notes

# The state of a whole ban is the first of these that one of its pairs has.
WORST_FIRST: Final = (INEFFECTIVE, WAITING, EFFECTIVE, IDLE, OFF)

DISABLED: Final = Outcome(OFF, "enabled = false")
ALWAYS_OPEN: Final = (
    'on_failure = "closed" cannot hold with layers = ["dns"]: the dns layer always fails open; '
    'add "ip" to the layers, or write on_failure = "open"'
)


@dataclass(frozen=True)
class PairState:
    """The state of a ban for one subject and one group (`all`: all devices); `key` is the location of a mistake."""

    subject: str
    group: str
    state: str
    reason: str = ""
    key: str = ""


@dataclass(frozen=True)
class BanState:
    """A ban with the state of each of its pairs, ordered by subject.

    `notes` are lines about traffic that the ban leaves open although the ban has no fault.
    """

    ban: Ban
    pairs: tuple[PairState, ...]
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        found = {pair.state for pair in self.pairs}
        return next((state for state in WORST_FIRST if state in found), OFF)

    @property
    def reason(self) -> str:
        """The reasons of all pairs in this state, or `""` if the state needs no explanation."""
        state = self.state
        reasons = [pair.reason for pair in self.pairs if pair.state == state and pair.reason]
        return "; ".join(dict.fromkeys(reasons))


def ban_states(
    bans: Sequence[Ban],
    conditions: Conditions,
    local_time: LocalTime,
    now: float,
    paused_until: float = 0.0,
    disabled: frozenset[str] = frozenset(),
) -> tuple[BanState, ...]:
    """Returns the state of each ban now. `disabled` are the ids of bans with `enabled = false`."""
    states: list[BanState] = []
    for ban in bans:
        if ban.id in disabled:
            outcomes = [DISABLED] * len(ban.subjects) * max(1, len(ban.groups))
        else:
            outcomes = ban_outcomes(ban, conditions, local_time, now, paused_until)
        pairs = [(str(subject), group) for subject in ban.subjects for group in ban.groups or (EVERYONE,)]
        found = [
            PairState(subject, group, outcome.state, outcome.reason, outcome.key)
            for (subject, group), outcome in zip(pairs, outcomes, strict=True)
        ]
        states.append(BanState(ban, tuple(found), open_notes(ban, conditions.index)))
    return tuple(states)


def ban_outcomes(
    ban: Ban, conditions: Conditions, local_time: LocalTime, now: float, paused_until: float
) -> list[Outcome]:
    """Returns the outcome of each pair of a subject and a group, ordered by subject."""
    count = max(1, len(ban.groups))
    mistake = own_mistake(ban, local_time, now)
    if mistake is not None:
        return [mistake] * len(ban.subjects) * count
    resting = resting_reason(ban, local_time, now, paused_until)
    groups = [group_outcome(ban, group, resting, conditions) for group in ban.groups or (EVERYONE,)]
    outcomes: list[Outcome] = []
    for subject in ban.subjects:
        found = subject_outcome(ban, subject, conditions)
        outcomes += groups if found.state == EFFECTIVE else [found] * count
    return outcomes


def own_mistake(ban: Ban, local_time: LocalTime, now: float) -> Outcome | None:
    """Returns why a ban can never have an effect, whatever its subjects and groups are, or None."""
    if not ban.layers:
        return Outcome(INEFFECTIVE, "without any layer nothing is stopped", LAYERS_KEY)
    if ban.on_failure == CLOSED and ban.layers == frozenset((DNS,)):
        return Outcome(INEFFECTIVE, ALWAYS_OPEN, LAYERS_KEY)
    if ban.schedule.never_occurs():
        return Outcome(INEFFECTIVE, "its schedule never occurs", SCHEDULE)
    if is_over(ban.until, now):
        return Outcome(INEFFECTIVE, "its end has passed", UNTIL)
    asleep = ban.until and not ban.schedule.active(*local_time(now))
    if asleep and next_change(ban.schedule, now, local_time) >= ban.until:
        return Outcome(INEFFECTIVE, "it ends before its schedule begins", SCHEDULE)
    return None


def resting_reason(ban: Ban, local_time: LocalTime, now: float, paused_until: float) -> str:
    """Returns why a ban is out of force on purpose, or `""` if it is in force."""
    if now < paused_until:
        return "all bans are paused"
    if not ban.schedule.active(*local_time(now)):
        return "outside its schedule"
    return 'mode = "observe" only counts' if ban.mode == OBSERVE else ""


def group_outcome(ban: Ban, group: str, resting: str, conditions: Conditions) -> Outcome:
    """Returns the outcome for a group, given that the layers can act on the subject."""
    first = parts_of(group)[0] if ban.groups else ""
    reason = empty_reason(group, conditions.members) if ban.groups else ""
    if reason:
        return Outcome(INEFFECTIVE, reason, GROUPS)
    if resting:
        return Outcome(OFF, resting)
    fault = layer_fault(ban, conditions.faults)
    if fault:
        return Outcome(INEFFECTIVE, fault, ENFORCEMENT)
    if first and conditions.seen is not None and first not in conditions.seen:
        return Outcome(IDLE, "no device of the group was seen in the last hour")
    return FINE


def layer_fault(ban: Ban, faults: Mapping[str, str]) -> str:
    """Returns why no layer of an enforced ban works at present, or `""`. Other modes do not need the kernel."""
    if ban.mode != ENFORCE:
        return ""
    reasons = [faults.get(layer, "") for layer in LAYERS if layer in ban.layers]
    return "; ".join(dict.fromkeys(reasons)) if reasons and all(reasons) else ""


def next_turn(ban: Ban, local_time: LocalTime, now: float) -> float:
    """Returns when the ban next comes into force or goes out of force, infinite if never."""
    due = next_change(ban.schedule, now, local_time)
    return min(due, ban.until) if ban.until > now else due
