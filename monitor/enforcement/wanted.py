"""Sorts the effects of a batch by kind and passes them to enforcement in the right order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.core.effects import Effect, Kill, MembershipChanged, NameSeen, PolicyChanged, ReleaseFlows, ResolveName
from monitor.enforcement.learning import Learning
from monitor.enforcement.table import KernelTable
from monitor.kernel.nft.enforcer import Enforcer
from monitor.policy.policy import Policy


@dataclass
class BatchOrders:
    """What a batch orders from enforcement: flows to kill, changed members, `names` to resolve, `seen` names to compare
    with learned addresses.

    `freed` are the flows to release: it maps their keys to the `on_failure` of the kill sets to remove them from (`""`:
    all). `other_policy`: the bans in force changed, so the table must be rebuilt.
    """

    kills: list[Kill] = field(default_factory=list)
    members: list[MembershipChanged] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)
    seen: list[NameSeen] = field(default_factory=list)
    freed: dict[bytes, str] = field(default_factory=dict)
    other_policy: bool = False


def wanted_of(effects: Sequence[Effect]) -> BatchOrders:
    """Returns the orders of a batch of effects. If it kills and releases the same flow, the last effect counts."""
    wanted = BatchOrders()
    for effect in effects:
        if isinstance(effect, Kill):
            wanted.kills.append(effect)
            wanted.freed.pop(effect.key, None)
        elif isinstance(effect, MembershipChanged):
            wanted.members.append(effect)
        elif isinstance(effect, PolicyChanged):
            wanted.other_policy = True
        elif isinstance(effect, ResolveName):
            wanted.names.append(effect.name)
        elif isinstance(effect, NameSeen):
            wanted.seen.append(effect)
        elif isinstance(effect, ReleaseFlows):
            wanted.freed.update(dict.fromkeys(effect.keys, effect.on_failure))
    return wanted


def perform(
    wanted: BatchOrders, enforcer: Enforcer, table: KernelTable, learning: Learning, policy: Policy | None
) -> None:
    """Changes the table first, then kills flows. Raises OSError or MachineError if the kernel refuses."""
    for name in wanted.names:
        learning.ask(name)
    for seen in wanted.seen:
        learning.use(seen.address, seen.name)
    changes = table.follow(wanted.members)
    if wanted.other_policy and policy is not None:
        table.rebuild(enforcer, policy, learning.rule)
    elif changes:
        table.change_members(changes)
    if wanted.kills:
        table.kill(enforcer, wanted.kills)
    if wanted.freed:
        table.release(enforcer, wanted.freed)
