"""What the policy wants done, done: the kernel's table, the flows to kill, the questions to divert.

Without a ban that does something nothing of the kernel is touched. What cannot be had costs one line and is told by
health and a metric, and the rest goes on. The bans hold as long as this says every second that the daemon lives.
"""

import time
from asyncio import AbstractEventLoop, Lock
from collections.abc import Callable
from ipaddress import ip_address

from monitor.core.effects import AskName, Effect, Follow, Kill, PolicyChanged, Release
from monitor.core.gateway import Gateway
from monitor.daemon.answers import Answers
from monitor.daemon.ground import Ground
from monitor.daemon.holding import Holding
from monitor.daemon.log import log
from monitor.daemon.lookups import Lookups, system_resolvers
from monitor.daemon.upkeep import Upkeep
from monitor.errors import MachineError
from monitor.kernel.enforcer import Enforcer
from monitor.model import Histogram, Samples
from monitor.policy.ban import DNS, ENFORCE, OBSERVE
from monitor.policy.excused import excused_elements, excused_names
from monitor.policy.judge import Policy
from monitor.policy.rules import Diversion
from monitor.sinkhole.settings import ASKED


class Enforcement:
    """`look` has the gateway look at the frames that wait; `sees` tells whether it sees anything: bans must not outlive
    that. One change of policy at a time.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        gateway: Gateway,
        look: Callable[[], None],
        sees: Callable[[], bool],
        ground: Ground,
    ) -> None:
        self._changing = Lock()
        self.fault = ""
        self._gateway = gateway
        self._answers = Answers(gateway, look, ground.config.sinkhole)
        self._lookups = Lookups(self._excuse)
        self._holding = Holding(ground, self._diversion)
        self._upkeep = Upkeep(loop, self._holding, sees, self._ask_anew)
        self._stand_on(ground)

    async def govern(self, policy: Policy, ground: Ground) -> list[Effect]:
        """Puts the policy in force, and what it stands on; live flows that it bans are cut. Returns what was done."""
        async with self._changing:
            return await self._govern(policy, ground)

    async def _govern(self, policy: Policy, ground: Ground) -> list[Effect]:
        self._upkeep.look()
        self._stand_on(ground)
        policy.refresh(time.time())
        if any(ban.mode != OBSERVE for ban in policy.bans):
            self._start(policy)
        else:
            self.fault = ""
            await self._let_go()
        effects = self._gateway.govern(policy if policy.bans else None, time.time())
        self.perform(effects)
        await self._arm(policy)
        self._ask_anew()
        return effects

    def perform(self, effects: list[Effect]) -> None:
        """Does at once what a batch asks for: the table first, then the kills."""
        enforcer = self._holding.enforcer
        if enforcer is None or not effects:
            return
        try:
            self._perform(enforcer, effects)
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel did not do what a ban wants: {error}")
        self._holding.tell(enforcer)

    def _perform(self, enforcer: Enforcer, effects: list[Effect]) -> None:
        news: list[Follow] = []
        kills: list[Kill] = []
        changed = False
        for effect in effects:
            if isinstance(effect, Kill):
                kills.append(effect)
            elif isinstance(effect, Follow):
                news.append(effect)
            elif isinstance(effect, PolicyChanged):
                changed = True
            elif isinstance(effect, AskName):
                self._lookups.ask(effect.name)
            elif isinstance(effect, Release):
                self._holding.release(enforcer, effect.keys)
        changes = self._holding.follow(news)
        policy = self._gateway.judge.policy
        if changed and policy is not None:
            self._holding.rebuild(enforcer, policy)
        elif changes:
            self._holding.change_members(enforcer, changes)
        if kills:
            self._holding.kill(enforcer, kills)

    async def look_again(self, ground: Ground) -> None:
        """Interfaces or addresses have changed."""
        async with self._changing:
            enforcer, policy = self._holding.enforcer, self._gateway.judge.policy
            if enforcer is not None and policy is not None:
                enforcer.alive.watch(ground.interfaces)
                await self._govern(policy, ground)

    async def stop(self) -> None:
        """Leaves nothing behind."""
        async with self._changing:
            await self._let_go()

    def health(self) -> str:
        return self.fault or self._answers.fault

    def samples(self) -> Samples:
        if self._gateway.judge.policy is None:
            return {}
        samples: Samples = {
            "enforcement_up": {
                ("sinkhole",): float(self._answers.armed),
                ("kernel",): float(self._holding.enforcer is not None),
            }
        }
        samples.update(self._holding.samples())
        samples.update(self._answers.samples())
        return samples

    def histograms(self) -> dict[str, Histogram]:
        return {"enforce_seconds": self._holding.seconds} if self._gateway.judge.policy is not None else {}

    def _stand_on(self, ground: Ground) -> None:
        self._ground = ground
        self._holding.stand_on(ground)
        self._answers.configure(ground.config.sinkhole)
        self._lookups.resolvers = self._answers.upstreams()
        self._gateway.judge.resolvers = self._meant_resolvers()

    def _meant_resolvers(self) -> frozenset[bytes]:
        """Whom clients are meant to ask: the gateway and where it asks; nobody where they may choose."""
        section = self._ground.config.sinkhole
        if section.upstream == ASKED:
            return frozenset()
        own = [ip_address(text).packed for text in self._ground.own]
        asked = self._answers.upstreams() or system_resolvers()
        return frozenset((*own, *asked, *[address.packed for address in section.exempt]))

    def _start(self, policy: Policy) -> None:
        if self._holding.enforcer is not None:
            return
        try:
            self._holding.start(policy)
        except MachineError as error:
            fault = f"bans are not enforced: {error}"
            if fault != self.fault:
                log.error("%s", fault)
            self.fault = fault
            return
        self.fault = ""
        self._upkeep.start()

    async def _let_go(self) -> None:
        if self._holding.enforcer is None:
            return
        self._upkeep.stop()
        self._gateway.judge.armed = False
        await self._lookups.close()
        await self._answers.close()
        self._holding.stop()

    async def _arm(self, policy: Policy) -> None:
        """Diverts questions once the sinkhole has answered a probe, and no longer where no ban needs it."""
        enforcer = self._holding.enforcer
        if enforcer is None:
            return
        needed = any(ban.mode == ENFORCE and DNS in ban.layers for ban in policy.bans)
        before = self._answers.armed
        try:
            if needed:
                enforcer.divert(self._ground.interfaces)
                await self._answers.open(enforcer.diversion.doors)
            else:
                await self._answers.close()
        except (OSError, MachineError) as error:
            log.error("the dns layer stays off, sni and ip hold: %s", error)
        self._gateway.judge.armed = self._answers.armed
        if self._answers.armed != before:
            self._holding.rebuild(enforcer, policy)
        self._holding.tell(enforcer)

    def _diversion(self) -> Diversion:
        section = self._ground.config.sinkhole
        exempt = tuple(address.packed for address in section.exempt) + self._answers.upstreams()
        return Diversion(armed=self._answers.armed, exempt=exempt)

    def _ask_anew(self) -> None:
        """The table knows no address of names that pass, or other names pass than before."""
        policy = self._gateway.judge.policy
        if self._holding.enforcer is not None and policy is not None:
            self._lookups.forget()
            for name in excused_names(policy):
                self._lookups.ask(name)

    def _excuse(self, name: bytes, addresses: list[bytes], seconds: float) -> None:
        """The addresses of a name that passes may be reached, by whom the name may be."""
        enforcer, policy = self._holding.enforcer, self._gateway.judge.policy
        if enforcer is None or policy is None:
            return
        for set_name, keys in excused_elements(policy, name, addresses, time.time()).items():
            if set_name in self._holding.desired.sets:
                enforcer.put(set_name, keys, seconds, name)
