"""What a batch of effects asks enforcement for, by kind, and in which order it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.core.effects import Effect, Kill, MembershipChanged, NameSeen, PolicyChanged, ReleaseFlows, ResolveName
from monitor.enforcement.learning import Learning
from monitor.enforcement.table import KernelTable
from monitor.kernel.nft.enforcer import Enforcer
from monitor.policy.policy import Policy


@dataclass
class BatchOrders:
    """`names` are to be resolved, `seen` compared with learned addresses. `freed` has the keys of flows to release,
    each with the `on_failure` of the sets that it leaves, `""` for all. `other_policy`: the table has to change.
    """

    kills: list[Kill] = field(default_factory=list)
    members: list[MembershipChanged] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)
    seen: list[NameSeen] = field(default_factory=list)
    freed: dict[bytes, str] = field(default_factory=dict)
    other_policy: bool = False


def wanted_of(effects: Sequence[Effect]) -> BatchOrders:
    """A flow that is killed and released in one batch does what comes last."""
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
    """The table comes first, then the kills. Raises OSError or MachineError where the kernel refuses."""
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
