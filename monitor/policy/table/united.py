"""Combines many groups under equal bans into one group of the kernel.

A rule for each group would cost memory, load time, and time for every packet to a banned address: 300 groups under 20
vendors, in one ban or in 300, made 142,000 rules. The kernel counts packets rejected for such a combined group under
the group `other`.
"""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias, final

from monitor.attribution.counters import OTHER
from monitor.policy.ban import EVERYONE, Ban, Subject
from monitor.policy.table.members import Members

# Groups of equal bans share their rules if there are more than this.
GROUPS_APART: Final = 32

# Everything that a ban's kernel rules depend on except its groups; the flag: the ban is in force.
Shape: TypeAlias = tuple[str, tuple[Subject, ...], frozenset[str], str, tuple[bytes, ...], bool]


@final
class UnitedGroups:
    """The groups that have rules for a ban; `names` are the combined groups. `active`: the ids of bans in force."""

    __slots__ = ("_words", "names")

    def __init__(
        self, bans: Sequence[Ban], active: Collection[str], members: Members, apart: int = GROUPS_APART
    ) -> None:
        self._words: dict[str, tuple[str, ...]] = {}
        alike: dict[Shape, list[Ban]] = {}
        for ban in bans:
            alike.setdefault(shape_of(ban, ban.id in active), []).append(ban)
        known = {word: members.is_plain(word) for word in dict.fromkeys([word for ban in bans for word in ban.groups])}
        found: dict[str, None] = {}
        for some in alike.values():
            plain = dict.fromkeys([word for ban in some for word in ban.groups if known[word]])
            if len(plain) > apart:
                found[self._unite(some, members.unite(list(plain)), plain)] = None
        self.names = tuple(found)
        members.part(self.names)

    def _unite(self, bans: Sequence[Ban], name: str, plain: Collection[str]) -> str:
        for ban in bans:
            others = [word for word in ban.groups if word not in plain]
            self._words[ban.id] = (name, *others) if len(others) < len(ban.groups) else ban.groups
        return name

    def of(self, ban: Ban) -> tuple[str, ...]:
        """Returns the words for the ban's groups. The combined group replaces its parts; `("",)` means all devices."""
        return self._words.get(ban.id, ban.groups) or ("",)

    def label(self, group: str) -> str:
        """Returns the group's label in counters."""
        return OTHER if group in self.names else group or EVERYONE


def shape_of(ban: Ban, is_active: bool) -> Shape:
    return ban.mode, ban.subjects, ban.layers, ban.on_failure, ban.allow, is_active
