"""Table `inet gatewatch` in the daemon: planned from the policy, held in the kernel, and counted.

Each refusal of the kernel is reported in one line, and everything else continues.
"""

from asyncio import AbstractEventLoop, sleep
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Final, final

from monitor.core.effects import Kill, MembershipChanged
from monitor.enforcement.backlog import Backlog
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.counters import KernelCounters
from monitor.enforcement.faults import Faults
from monitor.enforcement.planner import PAUSE_SECONDS, PlanInputs
from monitor.errors import MachineError
from monitor.histogram import Histogram
from monitor.kernel.netns.probe import ProbeLink
from monitor.kernel.nft.enforcer import Enforcer
from monitor.kernel.nft.own_table import Spared
from monitor.log import log
from monitor.model import Samples, reverse_key
from monitor.policy.ban import CLOSED, OPEN
from monitor.policy.policy import Policy
from monitor.policy.table.change import AddCounter, AddElements, AddSet, Change, DeleteElements
from monitor.policy.table.desired import TABLE, Desired
from monitor.policy.table.diff import change_elements
from monitor.policy.table.planner import bare_table, plan_table
from monitor.policy.table.portions import first_verdict
from monitor.policy.table.rules import DiversionRules, kill_set
from monitor.policy.table.transition import Transition

ENFORCE_BOUNDS: Final[tuple[float, ...]] = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip


@final
class KernelTable:
    """`enforcer` is None while no table is held. `diversion` returns the current inputs of the diversion's rules.

    `recut` re-adds killed flows, `refill` re-adds learned addresses. Both run during repair, once their sets exist.
    `spare` adds the addresses of allowed names as soon as their sets exist, before the rules that would refuse them.
    `stand_on` computes again whatever depends on a context that changed.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        now: Callable[[], float],
        ground: EnforcementContext,
        diversion: Callable[[Enforcer | None], DiversionRules],
        recut: Callable[[], None],
        spare: Callable[[], None],
        refill: Callable[[], None],
        make_enforcer: Callable[[], Enforcer] = Enforcer,
        make_probe_link: Callable[[], ProbeLink] = ProbeLink,
    ) -> None:
        self.enforcer: Enforcer | None = None
        self._recut = recut
        self._spare = spare
        self._refill = refill
        self._make_enforcer = make_enforcer
        self._make_probe_link = make_probe_link
        self.backlog = Backlog(loop, self._perform)
        self._loop = loop
        self._now = now
        self._link: ProbeLink | None = None
        self.desired = Desired()
        self.seconds = Histogram(ENFORCE_BOUNDS)
        self._diversion = diversion
        self._planned: tuple[Policy, DiversionRules] | None = None
        self.complaints = Faults()
        self._counters = KernelCounters()
        self._repairs = {"ok": 0, "failed": 0}
        # Counts of all enforcers so far.
        self._transactions = {"ok": 0, "failed": 0}
        self._refused: dict[tuple[str, str], int] = {}
        self._survey = PlanInputs()
        self.stand_on(ground)

    def stand_on(self, ground: EnforcementContext) -> None:
        self._wanted = self._loop.time()
        self._ground = ground
        self._members = self._survey.take_members(ground)
        self._territory = self._survey.territory(ground)
        if self.enforcer is not None:
            self.enforcer.alive.watch(ground.interfaces)

    async def prepare(self, ground: EnforcementContext, policy: Policy) -> None:
        """Computes the slow parts of `stand_on` and `rebuild` beforehand, in steps, without changing anything."""
        members, territory = await self._survey.make(ground)
        vendors = ground.index.vendors()
        plan_table(policy, members, territory, vendors, ground.interfaces, self._diversion(self.enforcer), self._now())
        await sleep(PAUSE_SECONDS)

    def start(self, policy: Policy, spared: Spared) -> Enforcer:
        """Creates the table with the `spared` keys. Raises MachineError on failure; no table is held then."""
        if not self._ground.forwarding:
            raise MachineError("this host does not forward what it sees")
        bridged = self._ground.bridged
        if bridged and set(bridged) >= set(self._ground.interfaces):
            raise MachineError(
                f"frames cross {', '.join(bridged)} without being routed, past every rule: run `gatewatch doctor`"
            )
        enforcer = self._make_enforcer()
        enforcer.elements.transactions, enforcer.elements.refused = self._transactions, self._refused
        try:
            # The table of an earlier run must be replaced at once, without a gap. Otherwise rules may come in portions.
            left = enforcer.refuse_foreign()
            first = self._plan(policy) if left is not None else bare_table(self._ground.interfaces)
            enforcer.start(
                first, self._ground.interfaces, {name: spared[name] for name in spared if name in first.sets}
            )
        except (OSError, MachineError):
            enforcer.close()
            raise
        self.enforcer, self.desired = enforcer, first
        self._spare()
        self.rebuild(enforcer, policy)
        return enforcer

    def is_whole(self) -> bool:
        """False if a link that was created for the diversion or for the self-test was removed."""
        link, enforcer = self._link, self.enforcer
        return (link is None or link.is_there()) and (enforcer is None or enforcer.diversion.is_whole())

    def probe_link(self) -> ProbeLink:
        """Returns the self-test's link, created again if it was removed. Raises MachineError."""
        if self._link is not None and not self._link.is_there():
            self._link.close()
            self._link = None
        if self._link is None:
            self._link = self._make_probe_link()
        return self._link

    def stop(self) -> None:
        """Removes the table and the links."""
        enforcer = self.enforcer
        if enforcer is not None:
            self.backlog.clear()
            self._read_counters(enforcer)
            if self._link is not None:
                self._link.close()
                self._link = None
            enforcer.stop()
            self.enforcer = None
            self.desired = Desired()

    def rebuild(self, enforcer: Enforcer, policy: Policy, between: Callable[[], None] | None = None) -> None:
        """Changes the table for another policy or other members, without a gap on the way.

        `between` is called once the new rules exist beside the old ones: learned addresses then move to other sets. If
        there are many changes, some are still in `backlog` when this returns.
        """
        wanted, self._wanted = self._wanted or self._loop.time(), 0.0
        desired = self._plan(policy)
        steps = Transition(desired, self.desired)
        if steps.put or steps.take:
            self._read_counters(enforcer)
        self.desired = desired
        at = len(list(takewhile(lambda change: isinstance(change, AddSet | AddCounter), steps.put)))
        self.backlog.add(steps.put[:at], wanted)
        if at or between is not None:
            self.backlog.then(self._spare)
        self.backlog.add(steps.put[at:], wanted)
        if between is not None:
            self.backlog.then(between)
        self.backlog.add(steps.take, wanted)

    def _perform(self, changes: Sequence[Change]) -> None:
        """Applies a portion. Does nothing if the table was deleted: `reconcile` creates it with all its content."""
        enforcer = self.enforcer
        if enforcer is None:
            return
        try:
            if not enforcer.is_there():
                return
            enforcer.apply(changes)
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel did not do what a ban wants: {error}")
        self.tell(enforcer)

    def follow(self, news: Sequence[MembershipChanged]) -> list[Change]:
        """Returns the changes of the groups' sets after changes of membership."""
        changes: list[Change] = []
        for one in news:
            changes += self._members.follow(one.number, one.groups, one.mac, one.addresses, one.excluding)
        return changes

    def change_members(self, changes: Sequence[Change]) -> None:
        self.backlog.add(changes, self._loop.time())
        for change in changes:
            if isinstance(change, AddElements | DeleteElements):
                change_elements(self.desired.elements[change.set], change)

    def kill(self, enforcer: Enforcer, kills: Sequence[Kill]) -> None:
        """Cuts the flows and records how long that took after their ClientHellos were seen."""
        enforcer.kill(kills)
        now = self._now()
        for kill in kills:
            if kill.acknowledgment >= 0:
                self.seconds.add(max(0.0, now - kill.time))

    def hold(self, enforcer: Enforcer, kills: Sequence[Kill]) -> None:
        """Drops flows again that were already cut."""
        enforcer.hold(kills)

    def release(self, enforcer: Enforcer, freed: Mapping[bytes, str]) -> None:
        """Removes flows, by key, from the kill sets of bans with this `on_failure`, or from all if it is empty. Missing
        elements are ignored.
        """
        flows: dict[str, list[bytes]] = {}
        for key, kind in freed.items():
            protocol = {6: "tcp", 17: "udp"}.get(key[-1])
            if protocol is not None:
                for on_failure in (kind,) if kind else (OPEN, CLOSED):
                    both = flows.setdefault(kill_set(protocol, 4 if len(key) < 16 else 6, on_failure), [])
                    both += [key[:-1], reverse_key(key)[:-1]]
        for name, both in flows.items():
            enforcer.forget(name, both)

    def reconcile(self, enforcer: Enforcer) -> bool:
        """Begins to repair drift. True if something was missing.

        Restores members, then rules, then run-time sets, then banned elements: allowed traffic is never refused, and
        large sets are restored in portions. If the table is removed again meanwhile, the next call starts over.
        """
        if self.backlog:
            return False
        try:
            repair = enforcer.reconcile(self.desired)
        except (OSError, MachineError) as error:
            self._repairs["failed"] += 1
            enforcer.complaints.append(f"table inet {TABLE} is not as it must be: {error}")
            return False
        if self._planned is not None and self._planned[1] != self._diversion(self.enforcer):
            self.rebuild(enforcer, self._planned[0])
        wanted = self._loop.time()
        if not repair.fault:
            self.backlog.add(repair.changes, wanted)
            return False
        self._recut()
        at = first_verdict(repair.changes, self.desired)
        self.backlog.add(repair.changes[:at], wanted)
        self.backlog.then(self._refill)
        self.backlog.add(repair.changes[at:], wanted)
        self.backlog.then(lambda: self._mended(repair.fault))
        return True

    def _mended(self, fault: str) -> None:
        if self.enforcer is not None and self.enforcer.is_there():
            self._repairs["ok"] += 1
            log.error("%s", fault)

    def tell(self, enforcer: Enforcer) -> None:
        """Reports what the kernel refused."""
        self.complaints.take(enforcer.take_complaints())

    def _read_counters(self, enforcer: Enforcer) -> None:
        """Reads the counters. A failed read is retried on the next call and must not fail the caller."""
        try:
            self._counters.read(enforcer.counters(), self.desired.counters)
        except OSError as error:
            enforcer.complaints.append(f"the table's counters cannot be read: {error.strerror or error}")

    def samples(self) -> Samples:
        samples: Samples = {
            "kernel_pending_changes": {(): float(len(self.backlog))},
            "kernel_load_seconds": {(): self.backlog.seconds},
        }
        if self.enforcer is not None:
            self._read_counters(self.enforcer)
        if self.enforcer is not None or any(self._transactions.values()):
            samples["kernel_repairs_total"] = {(result,): float(count) for result, count in self._repairs.items()}
            samples["kernel_transactions_total"] = {
                (result,): float(count) for result, count in self._transactions.items()
            }
            refused = samples["kernel_refused_elements_total"] = {}
            for (_, reason), count in self._refused.items():
                refused[(reason,)] = refused.get((reason,), 0.0) + count
        samples.update(self._counters.samples())
        return samples

    def _plan(self, policy: Policy) -> Desired:
        ground, diversion = self._ground, self._diversion(self.enforcer)
        self._planned = policy, diversion
        vendors = ground.index.vendors()
        return plan_table(policy, self._members, self._territory, vendors, ground.interfaces, diversion, self._now())
