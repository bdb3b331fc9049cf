"""Puts the policy in force: the kernel's table, the flows to kill, the queries to divert.

Changes nothing in the kernel unless a ban does more than observe. A failure is logged in one line and shown by health
and a metric, and everything else continues. The bans hold as long as a heartbeat renews them every second.
"""

from asyncio import AbstractEventLoop, Lock, Task, TimerHandle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from monitor.core.effects import Effect
from monitor.core.gateway import Gateway
from monitor.enforcement.blocked_page import Sinks, answer_addresses
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.factories import Factories
from monitor.enforcement.heartbeat import Heartbeat
from monitor.enforcement.learning import Learning
from monitor.enforcement.policy_needs import meant_resolvers, needs_kernel, needs_sinkhole
from monitor.enforcement.query_diversion import QueryDiversion, QuestionWatch
from monitor.enforcement.sinkhole import SinkholeService
from monitor.enforcement.table import KernelTable
from monitor.enforcement.unbanned_queries import OWN_PORT
from monitor.enforcement.wanted import perform, wanted_of
from monitor.errors import MachineError
from monitor.histogram import Histogram
from monitor.log import log
from monitor.model import Samples
from monitor.policy.ban import DNS, IP, LAYERS, SNI
from monitor.policy.policy import Policy
from monitor.selftest.check import Check
from monitor.selftest.selftest import QUIC, TRIED

RETRY_SECONDS: Final = 5.0
FACTORIES: Final = Factories()


class Enforcement:
    """`look` makes the gateway process pending frames. `now` returns the pipeline's time, which the core also uses
    after a clock step. `sees` returns whether anything is captured: bans must not outlive the capture. `write` takes
    the effects of a policy change. Policy changes run one at a time; `ground` is the context of the last one.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        gateway: Gateway,
        look: Callable[[], None],
        now: Callable[[], float],
        sees: Callable[[], bool],
        write: Callable[[list[Effect]], None],
        ground: EnforcementContext,
        make: Factories = FACTORIES,
    ) -> None:
        self.fault = ""
        self._write = write
        self._make = make
        self._sees = sees
        self._now = now
        self._changing = Lock()
        self._loop = loop
        self._retry: TimerHandle | None = None
        self._trying: Task[None] | None = None
        self._gateway = gateway
        self._sinks = Sinks(loop.time)
        self._answers = SinkholeService(
            gateway, look, now, ground.config.sinkhole, make.sinkhole, make.try_diversion, make.try_ordinary
        )
        self._diversion = QueryDiversion(self._answers, ground)
        self._holding = KernelTable(
            loop,
            now,
            ground,
            self._diversion.rules,
            self._recut,
            self._spare,
            self._refill,
            make.enforcer,
            make.probe_link,
        )
        self.learning = Learning(gateway, now, self._holding, self._answers.upstreams, make.lookups)
        self._upkeep = Heartbeat(loop, self._holding, sees)
        self._watch = QuestionWatch(loop, self._answers, self._lose_questions)
        self._stand_on(ground)

    async def prepare(self, policy: Policy, ground: EnforcementContext) -> None:
        """Computes the slow parts of a policy change beforehand."""
        await self._holding.prepare(ground, policy)

    async def govern(self, policy: Policy, ground: EnforcementContext) -> None:
        """Puts the policy and its context in force. Cuts live flows that the policy bans."""
        async with self._changing:
            try:
                await self._govern(policy, ground)
            finally:
                self._retry_later()

    async def _govern(self, policy: Policy, ground: EnforcementContext) -> None:
        self._upkeep.look()
        await self.prepare(policy, ground)
        self._stand_on(ground)
        policy.refresh(self._now())
        if needs_kernel(policy):
            await self.learning.sparing.prepare(policy)
            self._start(policy)
        else:
            self.fault = ""
            await self._let_go()
        await self._put_in_force(policy)

    async def _put_in_force(self, policy: Policy) -> None:
        effects = self._gateway.govern(policy if policy.bans else None, self._now())
        self.perform(effects)
        self._write(effects)
        await self._holding.backlog.done()
        await self._diversion.arm(self._holding, policy)
        self.learning.sparing.ask_anew()

    def perform(self, effects: list[Effect]) -> None:
        """Applies the effects of a batch at once: the table first, then the kills."""
        enforcer = self._holding.enforcer
        if enforcer is None or not effects:
            return
        try:
            perform(wanted_of(effects), enforcer, self._holding, self.learning, self._gateway.policy)
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel did not do what a ban wants: {error}")
        self._holding.tell(enforcer)

    def beat(self) -> None:
        """Checks the table and renews the bans. The heartbeat does the same every second."""
        self._upkeep.beat()

    async def look_again(self, ground: EnforcementContext) -> None:
        """Applies a change of interfaces or addresses."""
        async with self._changing:
            policy = self._gateway.policy
            try:
                if policy is not None and needs_kernel(policy):
                    await self._govern(policy, ground)
                else:
                    self._stand_on(ground)
            finally:
                self._retry_later()

    async def stop(self) -> None:
        """Removes everything that enforcement created in the kernel."""
        async with self._changing:
            self.fault = ""
            await self._let_go()
            self._retry_later()

    def is_whole(self) -> bool:
        """False if one of the links that enforcement created was removed."""
        return self._holding.is_whole()

    def holds(self) -> bool:
        """False while bans open because the kernel refused a renewal."""
        return self._upkeep.holds

    async def try_out(self) -> list[Check]:
        """Runs the self-test of every layer. Returns no checks if no ban does more than observe."""
        enforcer = self._holding.enforcer
        if enforcer is None:
            return [Check(layer, "", 0.0, self.fault) for layer in TRIED] if self.fault else []
        if not self._sees():
            return [Check(layer, "", 0.0, "bans rest, because nothing is captured") for layer in TRIED]
        await self._holding.backlog.done()
        if self._holding.enforcer is not enforcer:
            return []
        checks = [Check(DNS, "", 0.0, self._answers.fault)] if self._answers.fault else []
        if self._answers.armed:
            passing = await self._answers.try_passing()
            checks += passing
            await self._lose_questions(passing)
        sinkhole = self._answers.sinkhole if self._answers.armed else None
        try:
            checks += await self._make.try_enforcement(enforcer, self._holding.probe_link(), sinkhole)
        except (OSError, MachineError) as error:
            checks += [Check(layer, "", 0.0, str(error)) for layer in (SNI, QUIC, IP)]
        return checks if self._holding.enforcer is enforcer else []

    def is_wanted(self) -> bool:
        """Whether a ban is to be enforced, even if enforcement failed."""
        return self._holding.enforcer is not None or bool(self.fault)

    def health(self) -> str:
        lost = self.ground.lost_questions() if self._answers.armed else ""
        return self.fault or self._answers.fault or self._holding.complaints.standing() or lost

    def layer_faults(self) -> dict[str, str]:
        """Returns the fault of each layer that is down."""
        fault = self.fault or ("" if self._sees() else "bans rest, because nothing is captured")
        if fault:
            return dict.fromkeys(LAYERS, fault)
        return {DNS: self._answers.fault} if self._answers.fault else {}

    def samples(self) -> Samples:
        samples: Samples = {"enforcement_up": {}}
        policy = self._gateway.policy
        if policy is not None and needs_kernel(policy):
            samples["enforcement_up"][("kernel",)] = float(self._holding.enforcer is not None)
        if policy is not None and needs_sinkhole(policy):
            samples["enforcement_up"][("sinkhole",)] = float(self._answers.armed)
        samples.update(self._holding.samples())
        samples.update(self._answers.samples())
        return samples

    def histograms(self) -> dict[str, Histogram]:
        return {"enforce_seconds": self._holding.seconds} if self._gateway.policy is not None else {}

    def _stand_on(self, ground: EnforcementContext) -> None:
        self.ground = self._diversion.context = ground
        self._holding.stand_on(ground)
        self._answers.configure(ground.config.sinkhole)
        self.learning.stand_on(ground)
        sinks = self._sinks.take(answer_addresses(ground.config.sinkhole))
        state = replace(
            self._gateway.enforcement,
            resolvers=meant_resolvers(ground, self._answers.upstreams()),
            sinks=sinks,
            own_port=OWN_PORT,
        )
        self._gateway.set_enforcement(state)

    def _start(self, policy: Policy) -> None:
        if self._holding.enforcer is not None:
            return
        try:
            self._holding.start(policy, self.learning.sparing.elements())
        except (OSError, MachineError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            fault = f"bans are not enforced: {reason}"
            if fault != self.fault:
                log.error("%s", fault)
            self.fault = fault
            return
        if self.fault:
            log.warning("bans are enforced now")
        self.fault = ""
        self._upkeep.start()
        self._watch.start()

    def _retry_later(self) -> None:
        """Schedules a retry if something failed: a foreign table may be removed, or memory may be free again."""
        if self._retry is not None:
            self._retry.cancel()
        wanted = bool(self.fault or self._answers.fault)
        self._retry = self._loop.call_later(RETRY_SECONDS, self._try_again) if wanted else None

    def _try_again(self) -> None:
        self._trying = self._loop.create_task(self._tried_again())

    async def _tried_again(self) -> None:
        async with self._changing:
            policy, held = self._gateway.policy, self._holding.enforcer is not None
            try:
                if policy is not None and self.fault:
                    self._start(policy)
                if policy is not None and self._holding.enforcer is not None:
                    await (self._diversion.arm(self._holding, policy) if held else self._put_in_force(policy))
            finally:
                self._retry_later()

    async def _let_go(self) -> None:
        if self._holding.enforcer is None:
            return
        self._upkeep.stop()
        self._watch.stop()
        self._answers.disarm()
        await self.learning.close()
        await self._answers.close()
        self._holding.stop()

    async def _lose_questions(self, checks: Sequence[Check]) -> None:
        """Ends the diversion if a query that is not banned gets no response, but the gateway's own query does."""
        reason = next((f"{check.what}: {check.fault}" for check in checks if check.fault), "")
        if not reason:
            return
        async with self._changing:
            policy, enforcer = self._gateway.policy, self._holding.enforcer
            if policy is None or enforcer is None or not self._answers.armed:
                return
            self._answers.give_up(reason)
            self._holding.rebuild(enforcer, policy)
            self._retry_later()

    def _recut(self) -> None:
        enforcer = self._holding.enforcer
        if enforcer is not None:
            self._holding.hold(enforcer, self._gateway.standing_kills(self._now()))

    def _spare(self) -> None:
        self.learning.sparing.restore()

    def _refill(self) -> None:
        self.learning.restore()
        self.learning.sparing.ask_anew()
