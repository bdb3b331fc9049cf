"""Finds the bans that apply to an owner. Bans with equal subjects, possibly hundreds, are compared once."""

from collections.abc import Sequence
from typing import TypeAlias, final

from monitor.policy.ban import Ban, Subject
from monitor.policy.owners import OwnerNames, closest

# How closely a subject matches an owner, and the subject, as `closest` returns them.
Closest: TypeAlias = tuple[int, Subject | None]


@final
class BannedOwners:
    """An index of bans by vendor or category. Results are cached."""

    __slots__ = ("_bans", "_closest", "_found", "_kinds")

    def __init__(self, bans: Sequence[Ban]) -> None:
        self._bans: dict[str, list[Ban]] = {}
        self._kinds: dict[str, int] = {}  # maps the id of a ban to the number of its subjects tuple
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
        """Returns the bans that apply to one of the owners, in the order of the owners."""
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
        """Returns how closely the ban matches the owner, and its closest subject; -1 and None if none matches."""
        key = (self._kinds[ban.id], owner)
        known = self._closest.get(key)
        if known is None:
            known = self._closest[key] = closest(ban.subjects, (owner,))
        return known


def key_of(owner: str) -> str:
    """Returns the vendor or category of an owner or a subject in text form."""
    return owner.partition("/")[0]
