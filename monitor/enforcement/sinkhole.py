"""The sinkhole behind the diversion's namespace links, and the policy that decides its responses."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from monitor.core.gateway import Gateway
from monitor.enforcement.blocked_page import BlockedPage
from monitor.enforcement.unbanned_queries import try_ordinary
from monitor.errors import MachineError
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.kernel.netns.probe import ProbeLink
from monitor.log import log
from monitor.model import Samples
from monitor.policy.ban import EVERYONE
from monitor.policy.group_words import is_meant
from monitor.policy.policy import BLOCK, Verdict
from monitor.policy.table.probe import PROBE
from monitor.selftest.check import Check
from monitor.selftest.selftest import try_diversion
from monitor.sinkhole.counts import TIMEOUT, Counts
from monitor.sinkhole.decision import PASS, Blocked, Decide, Decision
from monitor.sinkhole.settings import ASKED, SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole
from monitor.web.blocked import Rule

STRIPPED: Final = Decision(banned=False, strip_ech=True)
EXCUSED: Final = Decision(banned=False, excused=True)
EXCUSED_STRIPPED: Final = Decision(banned=False, strip_ech=True, excused=True)


class SinkholeService:
    """Runs the sinkhole while a ban needs it. `armed` is True if it responds, so that queries may be diverted to it.

    `look` makes the gateway process pending frames: a query may overtake the frame that identifies its client.
    """

    def __init__(
        self,
        gateway: Gateway,
        look: Callable[[], None],
        now: Callable[[], float],
        section: SinkholeSettings,
        make_sinkhole: Callable[[SinkholeSettings, Decide, Blocked, Counts | None], Sinkhole] = Sinkhole,
        try_link: Callable[[ProbeLink, Sinkhole], Awaitable[list[Check]]] = try_diversion,
        try_ordinary: Callable[[Mapping[str, NamespaceLink]], Awaitable[list[Check]]] = try_ordinary,
    ) -> None:
        self.fault = ""
        self._make_sinkhole = make_sinkhole
        self._try_link = try_link
        self._try_ordinary = try_ordinary
        self._gateway = gateway
        self._look = look
        self._now = now
        self._section = section
        self.page = BlockedPage(self._explain, section)
        self.sinkhole: Sinkhole | None = None
        self._counts: Counts | None = None  # summed over all sinkholes so far
        self._doors: dict[str, NamespaceLink] = {}
        self._decisions: dict[int, Decision] = {}
        self._strips: dict[tuple[str, ...], bool] = {}
        self._version = (0, 0)

    @property
    def armed(self) -> bool:
        return self._gateway.enforcement.armed

    def disarm(self) -> None:
        """Forbids the diversion of queries from now on."""
        self._arm(False)

    def configure(self, section: SinkholeSettings) -> None:
        self._section = section
        self.page.configure(section)
        if self.sinkhole is not None:
            self.sinkhole.configure(section)

    def upstreams(self) -> tuple[bytes, ...]:
        """Returns the configured resolvers, whose own queries are never diverted."""
        upstream = self._section.upstream
        return () if isinstance(upstream, str) else upstream

    async def open(self, doors: Mapping[str, NamespaceLink], link: ProbeLink) -> None:
        """Listens behind every link. Arms the sinkhole once all links have responded, the client behind `link` has
        received its answers through the diversion, and unbanned queries get through. Raises MachineError otherwise.
        """
        if not doors.keys() - {PROBE}:
            raise MachineError("no LAN interface has a way to the sinkhole")
        sinkhole = await self._listen(doors)
        await sinkhole.probe()
        for check in await self._try_link(link, sinkhole):
            if check.fault:
                raise MachineError(f"{check.what}: {check.fault}")
            log.debug("the diversion of %s takes %.1f ms", check.what, check.seconds * 1000)
        for check in await self.try_passing():
            if check.fault:
                raise MachineError(f"{check.what}: {check.fault}")
        await self.page.open(doors)
        self.fault = ""
        self._arm(True)

    async def try_passing(self) -> list[Check]:
        """Checks whether unbanned queries get through with their clients' addresses.

        Returns no checks if the sinkhole forwards queries from the gateway's own address.
        """
        if self.sinkhole is None or self._section.upstream != ASKED:
            return []
        return await self._try_ordinary(self._doors)

    def lost(self) -> int:
        """Returns the number of queries since the start that no resolver answered in time."""
        return self._counts.upstream[TIMEOUT] if self._counts is not None else 0

    def give_up(self, reason: str) -> None:
        """Forbids the diversion of queries. Logs the reason, unless it is the reason of the previous call."""
        fault = f"the dns layer is off, sni and ip hold: {reason}"
        if fault != self.fault:
            log.error("%s", fault)
        self.fault = fault
        self._arm(False)

    def _arm(self, armed: bool) -> None:
        self._gateway.set_enforcement(replace(self._gateway.enforcement, armed=armed))

    async def _listen(self, doors: Mapping[str, NamespaceLink]) -> Sinkhole:
        if self.sinkhole is None:
            self.sinkhole = self._make_sinkhole(self._section, self._decide, self._refused, self._counts)
            self._counts = self.sinkhole.counts
        sinkhole = self.sinkhole
        for name in [name for name, door in self._doors.items() if doors.get(name) is not door]:
            sinkhole.close_door(name)
            del self._doors[name]
        for name, door in doors.items():
            if name not in self._doors:
                await sinkhole.open_door(name, door.make_socket, link=door.far)
                self._doors[name] = door
        return sinkhole

    async def close(self) -> None:
        self._arm(False)
        self.fault = ""
        self._doors = {}
        await self.page.close()
        if self.sinkhole is not None:
            sinkhole, self.sinkhole = self.sinkhole, None
            await sinkhole.stop()

    def samples(self) -> Samples:
        """Returns the samples. They are returned after the sinkhole is closed too, because counters never go back."""
        if self._counts is None:
            return {}
        answers = self.sinkhole.samples() if self.sinkhole is not None else self._counts.samples()
        return {**answers, **self.page.samples()}

    def _decide(self, client: bytes, name: bytes, is_target: bool) -> Decision:
        gateway = self._gateway
        now = self._now()
        answer = gateway.answer_policy(client, name, now, is_target)
        if not answer.is_known:
            self._look()
            answer = gateway.answer_policy(client, name, now, is_target)
        self._forget_if_changed()
        verdict, groups = answer.verdict, answer.groups
        if verdict is not None and verdict.action == BLOCK:
            return self._decision(verdict)
        strips = self._strips.get(groups)
        if strips is None:
            policy = gateway.policy
            strips = policy is not None and policy.strips_ech(groups, now)
            self._strips[groups] = strips
        if answer.is_excused:
            return EXCUSED_STRIPPED if strips else EXCUSED
        return STRIPPED if strips else PASS

    def _explain(self, client: str, name: bytes) -> Rule | None:
        """Returns the rule that bans the name for the client now, None if there is none."""
        address, now = ip_address(client).packed, self._now()
        answer = self._gateway.answer_policy(address, name, now)
        verdict = answer.verdict
        if verdict is None or verdict.action != BLOCK:
            return None
        ban = verdict.ban
        group = next((word for word in ban.groups if is_meant(word, answer.groups)), EVERYONE)
        return Rule(ban.id, verdict.subject, group, ban.reason, ban.until)

    def _decision(self, verdict: Verdict) -> Decision:
        """Returns the same Decision for the same verdict, so that the EDNS option in its answer is built only once."""
        made = self._decisions.get(id(verdict))
        if made is None:
            made = Decision(banned=True, text=verdict.ban.reason, about=verdict)
            self._decisions[id(verdict)] = made
        return made

    def _forget_if_changed(self) -> None:
        policy = self._gateway.policy
        version = (id(policy), policy.version if policy is not None else 0)
        if version != self._version:
            self._version = version
            self._decisions = {}
            self._strips = {}

    def _refused(self, client: bytes, name: bytes, decision: Decision) -> None:
        verdict = decision.about
        if isinstance(verdict, Verdict):
            self._gateway.note_refused(client, name, verdict, self._now())
