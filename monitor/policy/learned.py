"""The addresses that are banned because trusted answers for banned names contain them, and those that are left open.

A trusted answer is one that gatewatch itself obtained from the system's resolver or a configured one; addresses have no
other source. An address that a name outside the ban also uses is not banned by address. Evidence of such a claim is a
trusted answer, or an answered hello of a device outside the ban's groups. A learned address is freed as soon as a claim
appears. The vendor's own prefixes are not learned, so no claim ever frees them. Addresses are stored as plain ones: an
IPv6 address in which NAT64 embeds an IPv4 address is stored as this IPv4 address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from monitor.attribution.sni_claims import SniClaim
from monitor.policy.claims import Claims, spells
from monitor.policy.learnable import FOREIGN, LOCAL, SHARED, SPECIAL_PURPOSE, Learnable
from monitor.policy.owners import OwnerNames
from monitor.policy.sights import Sight, SightState

LEARNED: Final = "learned"
GUARDED: Final = "guarded"
FREED: Final = "freed"
OWN: Final = "own"
OUTCOMES: Final = (LEARNED, GUARDED, FREED, SPECIAL_PURPOSE, LOCAL, SHARED, FOREIGN)

NAMES_PER_ADDRESS: Final = 32
EVICTED_AT_ONCE: Final = 4
# For how long an answered hello counts as a claim on its address.
SAID_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Learn:
    """Ban these keys in the owner's chain until `until`; `name` resolved to them."""

    owner: OwnerNames
    keys: tuple[bytes, ...]
    until: float
    name: bytes


@dataclass(frozen=True)
class Free:
    """These keys are no longer learned for the owner. `last`: no other owner has them either."""

    owner: OwnerNames
    keys: tuple[bytes, ...]
    last: bool


Lesson: TypeAlias = Learn | Free


@final
class Learned:
    """At most `limit` addresses. `keys` are those in the kernel; `version` increases whenever they change."""

    __slots__ = ("_sights", "_states", "claims", "counts", "evictions", "keys", "learnable", "limit", "version")

    def __init__(self, claims: Claims, learnable: Learnable, limit: int) -> None:
        self.claims = claims
        self.learnable = learnable
        self.keys: set[bytes] = set()
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.evictions = 0
        self.limit = limit
        self.version = 0
        self._sights: dict[bytes, dict[bytes, Sight]] = {}
        self._states: dict[bytes, dict[OwnerNames, SightState]] = {}

    def __len__(self) -> int:
        return len(self._sights)

    def step(self, seconds: float) -> None:
        """Shifts the ends of validity after a clock step, because the kernel's timeouts do not follow it."""
        for sights in self._sights.values():
            for sight in sights.values():
                sight.until += seconds
        for states in self._states.values():
            for state in states.values():
                state.until += seconds

    def take(
        self, names: Sequence[bytes], addresses: Sequence[bytes], until: float, now: float
    ) -> tuple[list[bytes], list[Lesson]]:
        """Stores a trusted answer for the first of `names`; the others are its CNAME chain.

        Returns the plain addresses to settle now, and the removals that make room in a full table.
        """
        lessons: list[Lesson] = []
        found = list(dict.fromkeys([self.learnable.plain(address) for address in addresses]))
        for address in found:
            sights = self._sights.pop(address, None)
            if sights is None:
                lessons += self._evict()
                sights = {}
            self._sights[address] = sights
            sights.pop(names[0], None)
            if len(sights) >= NAMES_PER_ADDRESS:
                self._make_room(sights, names[0], now)
            sights[names[0]] = Sight(names[0], names, until)
        return found, lessons

    def _evict(self) -> list[Lesson]:
        """Makes room for one address. Evicts a few more if the limit was lowered, so the table shrinks gradually."""
        lessons: list[Lesson] = []
        for _ in range(EVICTED_AT_ONCE):
            if len(self._sights) >= self.limit:
                self.evictions += 1
                lessons += self.forget(next(iter(self._sights)))
        return lessons

    def _make_room(self, sights: dict[bytes, Sight], name: bytes, now: float) -> None:
        """Evicts the oldest entry of the same kind: many banned names must not evict a claim, and claims must not evict
        a banned name.
        """
        is_banned = bool(self.claims.owners(name, now))
        alike = [other for other in sights if bool(self.claims.owners(other, now)) == is_banned]
        del sights[alike[0] if alike else next(iter(sights))]

    def settle(self, address: bytes, said: Sequence[SniClaim], now: float) -> list[Lesson]:
        """Decides again, for each owner, whether the plain address is banned, also by the names in hellos to it."""
        sights = [sight for sight in self._sights.get(address, {}).values() if sight.until > now]
        wanted: dict[OwnerNames, Sight] = {}
        for sight in sights:
            for owner in self.claims.owners(sight.name, now):
                known = wanted.get(owner)
                if known is None or known.until < sight.until:
                    wanted[owner] = sight
        before = self._states.get(address, {})
        after: dict[OwnerNames, SightState] = {}
        for owner, sight in wanted.items():
            after[owner] = self._decide(address, owner, sight, sights, said, now)
        self._states[address] = after
        return self._compare(address, before, after, now)

    def strangers(self, address: bytes, names: Sequence[bytes], now: float) -> list[bytes]:
        """Returns the names that would have a claim on the plain address if a trusted answer for them contained it."""
        sights = [sight for sight in self._sights.get(address, {}).values() if sight.until > now]
        asked = {sight.name for sight in sights}
        owners = {owner for sight in sights for owner in self.claims.owners(sight.name, now)}
        return [
            name
            for name in names
            if name not in asked
            and not spells(name, address)
            and any(self.claims.is_outside(owner, (name,), now) for owner in owners)
        ]

    def is_learned(self, address: bytes) -> bool:
        return address in self.keys

    def addresses(self) -> list[bytes]:
        """Returns every plain address with a decision."""
        return list(self._states)

    def lessons_of(self, address: bytes, now: float) -> list[Lesson]:
        """Returns the `Learn` changes that restore a plain address in a kernel table that has lost it."""
        keys = tuple(self.learnable.keys(address))
        return [
            Learn(owner, keys, state.until, state.name)
            for owner, state in self._states.get(address, {}).items()
            if state.outcome == LEARNED and state.until > now
        ]

    def owners(self) -> set[OwnerNames]:
        """Returns the owners for which addresses are learned now."""
        return {
            owner for states in self._states.values() for owner, state in states.items() if state.outcome == LEARNED
        }

    def states_of(self, address: bytes, now: float) -> list[SightState]:
        """Returns the decisions about a plain address, to explain them to the user."""
        return [state for state in self._states.get(address, {}).values() if state.until > now]

    def govern(self, now: float) -> list[bytes]:
        """Returns the addresses to settle again after a change of policy.

        These are addresses whose bans have ended, addresses without a decision because no ban applied, and addresses of
        several names, of which one may no longer be banned.
        """
        return [
            address
            for address, sights in self._sights.items()
            if len(sights) > 1
            or not self._states.get(address)
            or any(not self.claims.bans_of(owner, now) for owner in self._states[address])
        ]

    def forget(self, address: bytes) -> list[Lesson]:
        """Forgets a plain address. Returns the changes that remove it from the kernel table."""
        self._sights.pop(address, None)
        return self._compare(address, self._states.pop(address, {}), {}, 0.0)

    def forget_all(self) -> None:
        """Forgets all addresses, after the kernel has lost them."""
        self._sights = {}
        self._states = {}
        self.keys.clear()
        self.version += 1

    def sweep(self, now: float) -> None:
        """Forgets expired answers. The kernel removes its elements by their own timeouts."""
        for address in list(self._sights):
            sights = self._sights[address]
            for name in [name for name, sight in sights.items() if sight.until <= now]:
                del sights[name]
            if not sights:
                self.forget(address)

    def count_learned(self, now: float) -> int:
        """Returns the number of learned addresses that are banned."""
        return sum(
            any(state.outcome == LEARNED and state.until > now for state in states.values())
            for states in self._states.values()
        )

    def _decide(
        self, address: bytes, owner: OwnerNames, sight: Sight, sights: list[Sight], said: Sequence[SniClaim], now: float
    ) -> SightState:
        outcome = self.learnable.refusal(address, owner)
        guard = b""
        if not outcome and self._is_banned_anyway(address, owner, now):
            outcome = OWN
        if not outcome:
            guard = self._guard(address, owner, sights, said, now)
            outcome = GUARDED if guard else LEARNED
        return SightState(outcome, sight.name, sight.until, guard)

    def _is_banned_anyway(self, address: bytes, owner: OwnerNames, now: float) -> bool:
        """Whether the same bans already apply to the address through the own prefix that contains it."""
        own = self.learnable.own(address)
        if not own:
            return False
        by_prefix = self.claims.bans_of(own, now)
        return all(ban in by_prefix for ban in self.claims.bans_of(owner, now))

    def _guard(
        self, address: bytes, owner: OwnerNames, sights: list[Sight], said: Sequence[SniClaim], now: float
    ) -> bytes:
        """Returns the name outside the owner's bans that has a claim on the address, or `b""`."""
        for sight in sights:
            if not spells(sight.name, address) and self.claims.is_outside(owner, sight.names, now):
                return sight.name
        for one in said:
            if (
                not spells(one.name, address)
                and self._was_answered(one, owner, now)
                and self.claims.is_outside(owner, (one.name,), now)
            ):
                return one.name
        return b""

    def _was_answered(self, said: SniClaim, owner: OwnerNames, now: float) -> bool:
        return any(
            last + SAID_SECONDS > now and self.claims.is_stranger(owner, groups, now)
            for groups, last in said.answered.items()
        )

    def _compare(
        self, address: bytes, before: dict[OwnerNames, SightState], after: dict[OwnerNames, SightState], now: float
    ) -> list[Lesson]:
        """Counts the decisions that changed. Returns the changes of the kernel table."""
        keys = tuple(self.learnable.keys(address))
        lessons: list[Lesson] = []
        is_kept = any(state.outcome == LEARNED for state in after.values())
        for owner, old in before.items():
            new = after.get(owner)
            if old.outcome == LEARNED and (new is None or new.outcome != LEARNED):
                lessons.append(Free(owner, keys, not is_kept))
        for owner, new in after.items():
            known = before.get(owner)
            was = known.outcome if known is not None else ""
            if new.outcome != was:
                self._count(FREED if was == LEARNED and new.outcome == GUARDED else new.outcome)
            if new.outcome == LEARNED and (was != LEARNED or known is None or known.until < new.until):
                lessons.append(Learn(owner, keys, new.until, new.name))
        for key in keys:
            if is_kept and key not in self.keys:
                self.keys.add(key)
                self.version += 1
            elif not is_kept and key in self.keys:
                self.keys.discard(key)
                self.version += 1
        return lessons

    def _count(self, outcome: str) -> None:
        if outcome in self.counts:
            self.counts[outcome] += 1
