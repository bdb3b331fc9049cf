"""What a policy's table is planned from: who is in the groups, and whose the addresses are. Both take long where there
are many, so they can be made beforehand, bit by bit.
"""

from asyncio import sleep
from typing import Final, final

from monitor.enforcement.context import EnforcementContext
from monitor.policy.groups import Groups
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes

# Lets the loop turn: `sleep(0)` would let no timer of others in between.
PAUSE_SECONDS: Final = 0.001


@final
class PlanInputs:
    """Keeps what was made last, for as long as it stands on the same."""

    def __init__(self) -> None:
        self._territory: tuple[EnforcementContext, OwnedPrefixes] | None = None
        self._members: tuple[object, Members] | None = None

    async def make(self, ground: EnforcementContext) -> tuple[Members, OwnedPrefixes]:
        """Both, while the loop turns."""
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
        """The groups' sets as the configuration says, and no device that came into them."""
        base = (ground.settings.groups, ground.settings.interfaces)
        if self._members is None or self._members[0] != base:
            self._members = (base, Members(Groups(*base)))
        return self._members[1]

    def take_members(self, ground: EnforcementContext) -> Members:
        """The same for whoever has devices come into them: others get others."""
        members = self.members(ground)
        self._members = None
        return members

    def territory(self, ground: EnforcementContext) -> OwnedPrefixes:
        """Made anew where a list or an address of the gateway is another than the last time."""
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
    """The prefixes that no ban touches."""
    return (*ground.settings.local, *ground.own)
