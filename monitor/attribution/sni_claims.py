"""Stores the names that devices sent in ClientHellos to an address, and the groups of devices that its server answered.

A client can send any name to any server, so a name alone is a hint; an answered name shows that the server serves it.
"""

from typing import Final, final

from monitor.attribution.generations import Generations

NAMES_PER_ADDRESS: Final = 8
GROUPS_PER_NAME: Final = 8


@final
class SniClaim:
    """A name that was sent last at `last`; `answered` maps the groups of the answered devices to the time."""

    __slots__ = ("answered", "last", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.last = 0.0
        self.answered: dict[tuple[str, ...], float] = {}

    def answer(self, groups: tuple[str, ...], now: float) -> None:
        """Stores that the server answered a device of these groups."""
        self.answered.pop(groups, 0.0)
        self.answered[groups] = now
        if len(self.answered) > GROUPS_PER_NAME:
            del self.answered[next(iter(self.answered))]

    def step(self, seconds: float) -> None:
        self.last += seconds
        for groups in self.answered:
            self.answered[groups] += seconds


@final
class SniClaims:
    """At most `limit` addresses, and for each the names sent last: unanswered ones are dropped first."""

    __slots__ = ("_addresses", "_names_evicted")

    def __init__(self, limit: int) -> None:
        self._addresses: Generations[dict[bytes, SniClaim]] = Generations(limit)
        self._names_evicted = 0

    def __len__(self) -> int:
        return len(self._addresses)

    @property
    def evictions(self) -> int:
        return self._addresses.evictions + self._names_evicted

    def resize(self, limit: int) -> None:
        self._addresses.limit = limit

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that names keep their age."""
        for names in self._addresses.values():
            for said in names.values():
                said.step(seconds)

    def say(self, address: bytes, name: bytes, now: float) -> SniClaim:
        names = self._addresses.find(address)
        if names is None:
            names = {}
            self._addresses.put(address, names)
        said = names.pop(name, None)
        if said is None:
            if len(names) >= NAMES_PER_ADDRESS:
                self._make_room(names)
            said = SniClaim(name)
        names[name] = said
        said.last = now
        return said

    def at(self, address: bytes) -> list[SniClaim]:
        """Returns the names sent to the address, the newest first."""
        names = self._addresses.get(address)
        return [] if names is None else list(names.values())[::-1]

    def _make_room(self, names: dict[bytes, SniClaim]) -> None:
        unanswered = [name for name, said in names.items() if not said.answered]
        del names[unanswered[0] if unanswered else next(iter(names))]
        self._names_evicted += 1
