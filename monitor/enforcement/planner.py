"""Inputs of the table's plan: the members of groups and the owners of prefixes. If there are many, they take long to
compute, so both can be computed beforehand in steps between which the event loop runs.
"""

from asyncio import sleep
from typing import Final, final

from monitor.enforcement.context import EnforcementContext
from monitor.policy.groups import Groups
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes

# Yields to the event loop: with `sleep(0)` no other timer would run.
PAUSE_SECONDS: Final = 0.001


@final
class PlanInputs:
    """Computes the members and the owned prefixes. Caches each until the configuration or lists behind it change."""

    def __init__(self) -> None:
        self._territory: tuple[EnforcementContext, OwnedPrefixes] | None = None
        self._members: tuple[object, Members] | None = None

    async def make(self, ground: EnforcementContext) -> tuple[Members, OwnedPrefixes]:
        """Computes the members and the owned prefixes, and yields to the event loop in between."""
        members = self.members(ground)
        await sleep(PAUSE_SECONDS)
        territory = self._known(ground)
        if territory is None:
            territory = begin(ground)
            for _ in territory.steps(ground.index):
                await sleep(PAUSE_SECONDS)
            self._territory = (ground, territory)
        return members, territory

    def members(self, ground: EnforcementContext) -> Members:
        """Returns the groups' sets from the configuration, without devices that joined later."""
        base = (ground.settings.groups, ground.settings.interfaces)
        if self._members is None or self._members[0] != base:
            self._members = (base, Members(Groups(*base)))
        return self._members[1]

    def take_members(self, ground: EnforcementContext) -> Members:
        """Returns `members` and drops it from the cache, because the caller adds devices to the sets."""
        members = self.members(ground)
        self._members = None
        return members

    def territory(self, ground: EnforcementContext) -> OwnedPrefixes:
        """Returns the owned prefixes. Computes them again if a list or an address of the gateway changed."""
        territory = self._known(ground)
        if territory is None:
            territory = begin(ground)
            for _ in territory.steps(ground.index):
                pass
            self._territory = (ground, territory)
        return territory

    def _known(self, ground: EnforcementContext) -> OwnedPrefixes | None:
        if self._territory is None:
            return None
        before, territory = self._territory
        same = before.index is ground.index and never(before) == never(ground)
        return territory if same and before.settings.nat64 == ground.settings.nat64 else None


def begin(ground: EnforcementContext) -> OwnedPrefixes:
    return OwnedPrefixes(ground.index, ground.settings.nat64, never(ground), at_once=False)


def never(ground: EnforcementContext) -> tuple[str, ...]:
    """Returns the prefixes that no ban may cover."""
    return (*ground.settings.local, *ground.own)
