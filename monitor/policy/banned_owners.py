"""Which bans are about which owners. Bans of the same subjects, of which there may be hundreds, are compared once."""

from collections.abc import Sequence
from typing import TypeAlias, final

from monitor.policy.ban import Ban, Subject
from monitor.policy.owners import OwnerNames, closest

# How closely a subject means an owner, as `closest` returns it.
Closest: TypeAlias = tuple[int, Subject | None]


@final
class BannedOwners:
    """Index of bans by vendor or category; what was found is kept."""

    __slots__ = ("_bans", "_closest", "_found", "_kinds")

    def __init__(self, bans: Sequence[Ban]) -> None:
        self._bans: dict[str, list[Ban]] = {}
        self._kinds: dict[str, int] = {}  # by the id of a ban, a number for its subjects
        self._closest: dict[tuple[int, str], Closest] = {}
        self._found: dict[OwnerNames, list[Ban]] = {}
        numbers: dict[tuple[Subject, ...], int] = {}
        keys: dict[int, list[str]] = {}
        for ban in bans:
            kind = numbers.setdefault(ban.subjects, len(numbers))
            self._kinds[ban.id] = kind
            if kind not in keys:
                keys[kind] = list(dict.fromkeys([key_of(str(subject)) for subject in ban.subjects]))
            for key in keys[kind]:
                self._bans.setdefault(key, []).append(ban)

    def bans_of(self, owners: OwnerNames) -> list[Ban]:
        """The bans about one of the owners, for each owner in their order."""
        found = self._found.get(owners)
        if found is None:
            about: dict[str, Ban] = {}
            for owner in owners:
                for ban in self._bans.get(key_of(owner), ()):
                    if self.closest(ban, owner)[0] >= 0:
                        about[ban.id] = ban
            found = self._found[owners] = list(about.values())
        return found

    def closest(self, ban: Ban, owner: str) -> Closest:
        """The subject of the ban that means the owner most closely, and how closely; -1 and None where none does."""
        key = (self._kinds[ban.id], owner)
        known = self._closest.get(key)
        if known is None:
            known = self._closest[key] = closest(ban.subjects, (owner,))
        return known


def key_of(owner: str) -> str:
    """The vendor or category of an owner or subject as text."""
    return owner.partition("/")[0]
