"""Many groups of one ban as one group in the kernel.

A rule for each group would cost memory, time to load, and time for every packet to a banned address: 300 groups under a
ban of 20 vendors made 142,000 rules. The kernel counts what it refuses to such a group under the group `other`.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.counters import OTHER
from monitor.policy.ban import EVERYONE, Ban
from monitor.policy.members import Members

# More groups of one ban than these share their rules.
GROUPS_APART: Final = 32


@final
class UnitedGroups:
    """Which groups have rules for a ban; `names` are those that unite several."""

    __slots__ = ("_by_groups", "names")

    def __init__(self, bans: Sequence[Ban], members: Members, apart: int = GROUPS_APART) -> None:
        self._by_groups: dict[tuple[str, ...], tuple[str, ...]] = {}
        for ban in bans:
            plain = [word for word in ban.groups if members.is_plain(word)]
            if len(plain) > apart and ban.groups not in self._by_groups:
                self._by_groups[ban.groups] = (
                    members.unite(plain),
                    *[word for word in ban.groups if word not in plain],
                )
        self.names = tuple(dict.fromkeys([words[0] for words in self._by_groups.values()]))
        members.part(self.names)

    def of(self, ban: Ban) -> tuple[str, ...]:
        """The words for the ban's groups, `("",)` for everyone; the group that unites many stands for these."""
        return self._by_groups.get(ban.groups, ban.groups) or ("",)

    def label(self, group: str) -> str:
        """What counters call the group."""
        return OTHER if group in self.names else group or EVERYONE
