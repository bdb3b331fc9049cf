"""Checks whether this machine can enforce bans: creates the table for the self-test's client only, then removes it.

For use while no daemon enforces. No other interface is in the table, so no other client meets its rules.
"""

import asyncio

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.index import Index
from monitor.kernel.netns.probe import ProbeLink
from monitor.kernel.nft.enforcer import Enforcer
from monitor.policy.groups import Groups
from monitor.policy.policy import Policy
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.policy.table.planner import plan_table
from monitor.policy.table.rules import DiversionRules
from monitor.selftest.check import Check
from monitor.selftest.selftest import try_enforcement
from monitor.sinkhole.decision import PASS
from monitor.sinkhole.settings import SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole


def try_out() -> list[Check]:
    """Tests every layer. Raises MachineError if the table, the veth pair or the sinkhole cannot be created."""
    return asyncio.run(_try_out())


async def _try_out() -> list[Check]:
    enforcer = Enforcer()
    try:
        nobody = Members(Groups((), ()))
        territory = OwnedPrefixes(Index.load(IndexBuilder().build()), (), ())
        policy = Policy([], [], (), lambda _: (0, 0))
        link = ProbeLink()
        try:
            enforcer.start(plan_table(policy, nobody, territory, (), (), DiversionRules(), 0.0), ())
            return await _with_sinkhole(enforcer, link)
        finally:
            link.close()
    finally:
        enforcer.stop()


async def _with_sinkhole(enforcer: Enforcer, link: ProbeLink) -> list[Check]:
    sinkhole = Sinkhole(SinkholeSettings(), lambda client, name, is_target: PASS, lambda client, name, decision: None)
    try:
        enforcer.divert(())
        for name, door in enforcer.diversion.doors.items():
            await sinkhole.open_door(name, door.make_socket, link=door.far)
        enforcer.renew_alive()
        return await try_enforcement(enforcer, link, sinkhole)
    finally:
        await sinkhole.stop()
