"""Computes the states of all bans and reports changes: one log line each, metrics and health."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, final

from monitor.catalog.index import Index
from monitor.config.ban_faults import conditions_of
from monitor.config.policy import every_ban, local_time
from monitor.config.sections import Config
from monitor.core.gateway import Gateway
from monitor.daemon.ban_figures import BanFigures, Figures
from monitor.daemon.policy_words import devices_text
from monitor.daemon.running import Running
from monitor.enforcement.controller import Enforcement
from monitor.lists.loader import Loaded
from monitor.log import log
from monitor.metrics.collector import Collector
from monitor.model import Samples
from monitor.periodic import Periodic
from monitor.policy.ban import Ban
from monitor.policy.ban_conditions import EFFECTIVE, ENFORCEMENT, IDLE, INEFFECTIVE, WAITING, Conditions
from monitor.policy.ban_state import BanState, PairState, ban_states
from monitor.policy.overrides import EffectivePolicy
from monitor.policy.owners import subject_label
from monitor.selftest.check import Check

LOOK_SECONDS: Final = 5.0
# Maximum age of cached states, so that a page and a scrape at the same moment share them.
FRESH_SECONDS: Final = 1.0
# A device seen within this time counts as present, as for `gatewatch_group_devices`.
SEEN_SECONDS: Final = 3600.0
# Maximum number of bans that health lists by name.
NAMED_MAX: Final = 5


@final
class BanWatch:
    """Recomputes ban states every few seconds and after each policy change.

    `running` returns the daemon's current `Running`, `standing` the current policy with its run-time changes.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        gateway: Gateway,
        enforcement: Enforcement,
        now: Callable[[], float],
        running: Callable[[], Running],
        standing: Callable[[], EffectivePolicy],
    ) -> None:
        self._loop = loop
        self._gateway = gateway
        self._enforcement = enforcement
        self._now = now
        self._running = running
        self._standing = standing
        self._states: tuple[BanState, ...] = ()
        self._looked = float("-inf")
        self._config: Config | None = None
        self._loaded: Loaded | None = None
        self._conditions: Conditions
        self._disabled: list[Ban] = []
        self._figures = BanFigures()
        self._told: dict[tuple[str, str], tuple[str, str]] = {}
        self._timer = Periodic(loop, "computing the states of bans", LOOK_SECONDS, self.look)

    def start(self) -> None:
        self._timer.start(0.0)

    def stop(self) -> None:
        self._timer.stop()

    def states(self) -> tuple[BanState, ...]:
        """Returns the state of each configured and run-time ban, then those with `enabled = false`."""
        if self._loop.time() - self._looked >= FRESH_SECONDS:
            self.look()
        return self._states

    def states_under(self, standing: EffectivePolicy) -> tuple[BanState, ...]:
        """Returns the states that the bans of another policy would have now."""
        return self._compute(standing)

    def look(self) -> None:
        """Recomputes the states and reports changes."""
        states = self._compute(self._standing())
        off = ban_states(self._disabled, self._conditions, local_time, self._now(), disabled=ids_of(self._disabled))
        self._states = (*states, *off)
        self._looked = self._loop.time()
        enforcement = self._gateway.enforcement
        ineffective = ineffective_pairs(self._states)
        if enforcement.ineffective != ineffective:
            self._gateway.set_enforcement(replace(enforcement, ineffective=ineffective))
        self._tell()

    def begin(self, bans: Sequence[Ban]) -> None:
        """Starts counting for these bans. Call it before they are in force."""
        numbers = self._numbers() if self._figures.is_new(bans) else {}
        self._figures.begin(bans, numbers, self._now())

    def figures(self) -> list[Figures]:
        """Returns, for each ban in `states`, what it has blocked and leaked since it began."""
        states = self.states()
        numbers = self._numbers() if states else {}
        return [self._figures.of(one.ban, numbers) for one in states]

    def _numbers(self) -> Samples:
        """Returns the counters of all bans, including those of the kernel."""
        return Collector([self._gateway.snapshot, self._enforcement.samples], []).numbers()

    def degraded(self) -> dict[str, str]:
        """Returns one line for the topic `bans` that lists ineffective bans with the reason; `""` if there are none."""
        wrong = [f"{name_of(one.ban)}: {one.reason}" for one in self.states() if one.state == INEFFECTIVE]
        more = f"; and {len(wrong) - NAMED_MAX} more" if len(wrong) > NAMED_MAX else ""
        return {"bans": "ineffective: " + "; ".join(wrong[:NAMED_MAX]) + more if wrong else ""}

    def checks(self) -> list[Check]:
        """Returns a failed self-test check for each ban that contains a mistake."""
        return [
            Check("ban", name_of(one.ban), 0.0, "; ".join(dict.fromkeys(mistakes)))
            for one in self.states()
            if (mistakes := [pair.reason for pair in one.pairs if is_mistake(pair)])
        ]

    def samples(self) -> Samples:
        """`ban_state`: 1 for the state of each vendor or category in each group of a ban."""
        found: dict[tuple[str, ...], float] = {}
        for one in self.states():
            for pair in one.pairs:
                found[*subject_label(pair.subject), pair.group, one.ban.mode, pair.state] = 1.0
        return {"ban_state": found}

    def _compute(self, standing: EffectivePolicy) -> tuple[BanState, ...]:
        running = self._running()
        if running.loaded is not self._loaded or running.config is not self._config:
            self._config, self._loaded = running.config, running.loaded
            self._conditions = conditions_of(running.config, running.loaded)
            self._disabled = disabled_bans(running.config, running.loaded.index)
        seen, faults = self._gateway.groups_seen(SEEN_SECONDS), self._enforcement.layer_faults()
        conditions = replace(self._conditions, seen=seen, faults=faults)
        return ban_states(standing.bans, conditions, local_time, self._now(), standing.paused_until)

    def _tell(self) -> None:
        """Logs each changed state or reason. The first call logs each ban that is neither effective nor idle."""
        told: dict[tuple[str, str], tuple[str, str]] = {}
        for one in self._states:
            key = (one.ban.source, name_of(one.ban))
            before = self._told.get(key, (EFFECTIVE, ""))
            if one.state == INEFFECTIVE and not any(is_mistake(pair) for pair in one.pairs):
                told[key] = before  # enforcement logs its own failures
                continue
            told[key] = (one.state, one.reason)
            if told[key] != before:
                tell_change(one, before[0])
        self._told = told


def tell_change(one: BanState, before: str) -> None:
    """Logs the ban's new state, unless it only changed between effective and idle: devices came or left."""
    if one.state in (EFFECTIVE, IDLE) and before in (EFFECTIVE, IDLE):
        return
    line = f"the ban of {name_of(one.ban)} is {one.state}" + (f": {one.reason}" if one.reason else "")
    if one.state == INEFFECTIVE:
        log.error("%s", line)
    elif WAITING in (one.state, before) or before == INEFFECTIVE:
        log.warning("%s", line)
    else:
        log.info("%s", line)


def name_of(ban: Ban) -> str:
    return f"{', '.join(map(str, ban.subjects))} for {devices_text(ban)}"


def disabled_bans(config: Config, index: Index) -> list[Ban]:
    if all(section.enabled for section in config.bans):
        return []
    return [ban for ban, section in zip(every_ban(config, index), config.bans, strict=True) if not section.enabled]


def ids_of(bans: Sequence[Ban]) -> frozenset[str]:
    return frozenset([ban.id for ban in bans])


def is_mistake(pair: PairState) -> bool:
    """Whether a ban cannot act on this subject and group even while enforcement works: a configuration mistake."""
    return pair.state == INEFFECTIVE and pair.key != ENFORCEMENT


def ineffective_pairs(states: Sequence[BanState]) -> frozenset[tuple[str, str, str]]:
    """Returns the pairs that contain a mistake, each with its ban's id; `ban_info` omits them.

    Pairs that are ineffective because enforcement is down are not included: `enforcement_up` reports that, and the ban
    takes effect again as soon as the kernel's table is restored.
    """
    return frozenset(
        [(one.ban.id, pair.subject, pair.group) for one in states for pair in one.pairs if is_mistake(pair)]
    )
