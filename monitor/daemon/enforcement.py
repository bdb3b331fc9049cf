"""What the policy wants done, done: the kernel's table, the flows to kill, the questions to divert.

Without a ban that does something nothing of the kernel is touched. What cannot be had costs one line and is told by
health and a metric, and the rest goes on. The bans hold as long as this says every second that the daemon lives.
"""

import time
from asyncio import AbstractEventLoop, Lock, TimerHandle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.core.effects import AskName, Effect, Follow, Kill, PolicyChanged, Release
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.daemon.answers import Answers
from monitor.daemon.ban_counters import BanCounters
from monitor.daemon.log import log
from monitor.daemon.lookups import Lookups, system_resolvers
from monitor.errors import MachineError
from monitor.kernel.enforcer import Cut, Enforcer
from monitor.model import Histogram, Samples, reverse_key
from monitor.policy.ban import CLOSED, DNS, ENFORCE, OBSERVE
from monitor.policy.change import AddElements, Change, DeleteElements
from monitor.policy.desired import Desired
from monitor.policy.diff import change_elements, diff
from monitor.policy.excused import excused_elements, excused_names
from monitor.policy.groups import Groups
from monitor.policy.judge import Policy
from monitor.policy.members import Members
from monitor.policy.rules import Diversion, kill_set
from monitor.policy.table import plan_table
from monitor.policy.territory import Territory
from monitor.sinkhole.settings import ASKED

ALIVE_SECONDS: Final = 1.0
RECONCILE_SECONDS: Final = 60.0
ENFORCE_BOUNDS: Final[tuple[float, ...]] = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What a table stands on beside the policy: the catalogue, the groups and the LAN as they are now."""

    config: Config
    settings: Settings
    index: Index
    interfaces: tuple[str, ...]
    own: tuple[str, ...]
    forwarding: bool


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
        self._sees = sees
        self._changing = Lock()
        self.fault = ""
        self._told = ""
        self._loop = loop
        self._gateway = gateway
        self._ground = ground
        self._enforcer: Enforcer | None = None
        self._answers = Answers(gateway, look, ground.config.sinkhole)
        self._lookups = Lookups(self._excuse)
        self._counters = BanCounters()
        self._desired = Desired()
        self._seconds = Histogram(ENFORCE_BOUNDS)
        self._timers: dict[str, TimerHandle] = {}
        self._stand_on(ground)

    async def govern(self, policy: Policy, ground: Ground) -> list[Effect]:
        """Puts the policy in force, and what it stands on; live flows that it bans are cut. Returns what was done."""
        async with self._changing:
            return await self._govern(policy, ground)

    async def _govern(self, policy: Policy, ground: Ground) -> list[Effect]:
        self._ground = ground
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
        self._ask_anew(policy)
        return effects

    def perform(self, effects: list[Effect]) -> None:
        """Does at once what a batch asks for: the table first, then the kills."""
        enforcer = self._enforcer
        if enforcer is None or not effects:
            return
        try:
            self._perform(enforcer, effects)
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel did not do what a ban wants: {error}")
        self._tell(enforcer)

    def _perform(self, enforcer: Enforcer, effects: list[Effect]) -> None:
        changes: list[Change] = []
        kills: list[Kill] = []
        changed = False
        for effect in effects:
            if isinstance(effect, Kill):
                kills.append(effect)
            elif isinstance(effect, Follow):
                changes += self._members.follow(effect.number, effect.groups, effect.mac, effect.addresses)
            elif isinstance(effect, PolicyChanged):
                changed = True
            elif isinstance(effect, AskName):
                self._lookups.ask(effect.name)
            elif isinstance(effect, Release):
                self._release(enforcer, effect.keys)
        if changed:
            self._rebuild(enforcer)
        elif changes:
            self._change_members(enforcer, changes)
        if kills:
            enforcer.kill([cut(kill) for kill in kills])
            self._note(kills)

    async def look_again(self, ground: Ground) -> None:
        """Interfaces or addresses have changed."""
        async with self._changing:
            enforcer, policy = self._enforcer, self._gateway.judge.policy
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
        samples: Samples = {"enforcement_up": {("sinkhole",): float(self._answers.armed)}}
        enforcer = self._enforcer
        samples["enforcement_up"][("kernel",)] = float(enforcer is not None)
        if self._gateway.judge.policy is None:
            return {}
        if enforcer is not None:
            self._counters.read(enforcer.counters(), self._desired.counters)
            samples["kernel_transactions_total"] = {
                (result,): float(count) for result, count in enforcer.elements.transactions.items()
            }
        samples.update(self._counters.samples())
        samples.update(self._answers.samples())
        return samples

    def histograms(self) -> dict[str, Histogram]:
        return {"enforce_seconds": self._seconds} if self._gateway.judge.policy is not None else {}

    def _stand_on(self, ground: Ground) -> None:
        settings = ground.settings
        self._members = Members(Groups(settings.groups, settings.interfaces))
        never = (*settings.local, *ground.own)
        self._territory = Territory(ground.index, settings.nat64, never)
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
        if self._enforcer is not None:
            return
        try:
            if not self._ground.forwarding:
                raise MachineError("this host does not forward what it sees")
            enforcer = Enforcer()
            desired = self._plan(policy)
            try:
                enforcer.start(desired, self._ground.interfaces)
            except MachineError:
                enforcer.close()
                raise
        except MachineError as error:
            fault = f"bans are not enforced: {error}"
            if fault != self.fault:
                log.error("%s", fault)
            self.fault = fault
            return
        self.fault = ""
        self._enforcer, self._desired = enforcer, desired
        self._timers["alive"] = self._loop.call_later(ALIVE_SECONDS, self._renew)
        self._timers["reconcile"] = self._loop.call_later(RECONCILE_SECONDS, self._reconcile)

    async def _let_go(self) -> None:
        enforcer = self._enforcer
        if enforcer is None:
            return
        for timer in self._timers.values():
            timer.cancel()
        self._timers = {}
        self._counters.read(enforcer.counters(), self._desired.counters)
        self._gateway.judge.armed = False
        await self._lookups.close()
        await self._answers.close()
        enforcer.stop()
        self._enforcer = None
        self._desired = Desired()

    async def _arm(self, policy: Policy) -> None:
        """Diverts questions once the sinkhole has answered a probe, and no longer where no ban needs it."""
        enforcer = self._enforcer
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
            self._rebuild(enforcer)
        self._tell(enforcer)

    def _plan(self, policy: Policy) -> Desired:
        ground = self._ground
        exempt = tuple(address.packed for address in ground.config.sinkhole.exempt) + self._answers.upstreams()
        diversion = Diversion(armed=self._answers.armed, exempt=exempt)
        vendors = ground.index.vendors()
        return plan_table(policy, self._members, self._territory, vendors, ground.interfaces, diversion, time.time())

    def _rebuild(self, enforcer: Enforcer) -> None:
        """Another policy, other members: the table as it must be now, by the fewest changes."""
        policy = self._gateway.judge.policy
        if policy is None:
            return
        desired = self._plan(policy)
        changes = diff(desired, self._desired)
        if changes:
            self._counters.read(enforcer.counters(), self._desired.counters)
            enforcer.apply(changes)
        self._desired = desired

    def _change_members(self, enforcer: Enforcer, changes: Sequence[Change]) -> None:
        enforcer.apply(changes)
        for change in changes:
            if isinstance(change, AddElements | DeleteElements):
                change_elements(self._desired.elements[change.set], change)

    def _ask_anew(self, policy: Policy) -> None:
        """The table knows no address of names that pass, or other names pass than before."""
        if self._enforcer is not None:
            self._lookups.forget()
            for name in excused_names(policy):
                self._lookups.ask(name)

    def _excuse(self, name: bytes, addresses: list[bytes], seconds: float) -> None:
        """The addresses of a name that passes may be reached, by whom the name may be."""
        enforcer, policy = self._enforcer, self._gateway.judge.policy
        if enforcer is None or policy is None:
            return
        for set_name, keys in excused_elements(policy, name, addresses, time.time()).items():
            if set_name in self._desired.sets:
                enforcer.put(set_name, keys, seconds, name)

    def _release(self, enforcer: Enforcer, keys: Sequence[bytes]) -> None:
        """Which of the sets a flow is in nobody needs to know: what is not there is not missed."""
        flows: dict[tuple[str, int], list[bytes]] = {}
        for key in keys:
            protocol = {6: "tcp", 17: "udp"}.get(key[-1])
            if protocol is not None:
                both = flows.setdefault((protocol, 4 if len(key) < 16 else 6), [])
                both += [key[:-1], reverse_key(key)[:-1]]
        for (protocol, family), both in flows.items():
            for on_failure in ("open", "closed"):
                enforcer.forget(kill_set(protocol, family, on_failure), both)

    def _note(self, kills: Sequence[Kill]) -> None:
        now = time.time()
        for kill in kills:
            if kill.acknowledgment >= 0:
                self._seconds.add(max(0.0, now - kill.time))

    def _tell(self, enforcer: Enforcer) -> None:
        for complaint in enforcer.complaints:
            if complaint != self._told:
                log.error("%s", complaint)
            self._told = complaint
        enforcer.complaints.clear()

    def _renew(self) -> None:
        """Nothing is renewed by a daemon that sees nothing: its bans open."""
        self._timers["alive"] = self._loop.call_later(ALIVE_SECONDS, self._renew)
        enforcer = self._enforcer
        if enforcer is None or not self._sees():
            return
        try:
            enforcer.renew_alive()
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"bans open, because they cannot be renewed: {error}")
            self._tell(enforcer)

    def _reconcile(self) -> None:
        self._timers["reconcile"] = self._loop.call_later(RECONCILE_SECONDS, self._reconcile)
        enforcer = self._enforcer
        if enforcer is None:
            return
        try:
            fault = enforcer.reconcile(self._desired)
        except (OSError, MachineError) as error:
            fault = str(error)
        if fault:
            log.error("%s", fault)
            policy = self._gateway.judge.policy
            if policy is not None:
                self._ask_anew(policy)


def cut(kill: Kill) -> Cut:
    sequence = kill.acknowledgment if kill.acknowledgment > 0 else None
    return Cut(kill.key, sequence, kill.on_failure == CLOSED, kill.ban.encode())
