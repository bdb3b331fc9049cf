"""The diversion of queries to the sinkhole: starts once the sinkhole responds, and ends if queries get lost.

While queries are diverted, a periodic check counts queries without a response. If there are new ones, it sends one
unbanned query as a test. Lost queries alone do not end the diversion, because a client may query a resolver that does
not exist.
"""

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from ipaddress import ip_address
from typing import Any, Final, final

from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.policy_needs import needs_sinkhole
from monitor.enforcement.resolver import never_diverted
from monitor.enforcement.sinkhole import SinkholeService
from monitor.enforcement.table import KernelTable
from monitor.errors import MachineError
from monitor.kernel.nft.enforcer import Enforcer
from monitor.periodic import Periodic
from monitor.policy.policy import Policy
from monitor.policy.table.rules import DiversionRules
from monitor.selftest.check import Check

LOOK_SECONDS: Final = 10.0


@final
class QueryDiversion:
    """Starts and ends the diversion. `context` is the enforcement context of the last policy."""

    def __init__(self, answers: SinkholeService, context: EnforcementContext) -> None:
        self._answers = answers
        self.context = context

    def rules(self, enforcer: Enforcer | None) -> DiversionRules:
        """Returns the inputs of the table's rules about the diversion. `enforcer` is None while there is no table."""
        page = self._answers.page.address
        own = [ip_address(text).packed for text in self.context.own]
        exempt = never_diverted(self.context.config.sinkhole)
        bridges = enforcer.diversion.ports if enforcer is not None else {}
        ports = tuple([(port, bridge) for bridge, some in bridges.items() for port in some])
        return DiversionRules(self._answers.armed, exempt, page, page_alone=page not in own, ports=ports)

    async def arm(self, table: KernelTable, policy: Policy) -> None:
        """Diverts queries once the sinkhole has answered a probe. Ends the diversion if no ban needs it."""
        enforcer = table.enforcer
        if enforcer is None:
            return
        before = self.rules(enforcer)
        try:
            if needs_sinkhole(policy):
                if set(self.context.unrouted) >= set(self.context.interfaces):
                    raise MachineError(self.context.lost_questions())
                link = table.probe_link()
                enforcer.divert(self.context.interfaces)
                enforcer.alive.renew_probe()
                await self._answers.open(enforcer.diversion.doors, link)
            else:
                await self._answers.close()
        except (OSError, MachineError) as error:
            self._answers.give_up("; ".join(enforcer.take_complaints()) or str(error))
        if self.rules(enforcer) != before:
            table.rebuild(enforcer, policy)
        table.tell(enforcer)


@final
class QuestionWatch:
    """Checks periodically for lost queries. `take` receives the results of the test queries."""

    def __init__(
        self, loop: AbstractEventLoop, answers: SinkholeService, take: Callable[[Sequence[Check]], Awaitable[None]]
    ) -> None:
        self._answers = answers
        self._take = take
        self._lost = 0
        self._timer = Periodic(loop, "looking for queries without an answer", LOOK_SECONDS, self._look)

    def start(self) -> None:
        self._lost = self._answers.lost()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> Coroutine[Any, Any, None] | None:
        lost, self._lost = self._lost, self._answers.lost()
        return self._try() if self._answers.armed and self._lost > lost else None

    async def _try(self) -> None:
        await self._take(await self._answers.try_passing())
