"""Caches name bindings: which device received an address in the answer for a name, and when. Also called claims.

Bindings are stored by address, then by device, newest first. Addresses are in two generations (`generations.py`), whose
limit applies to the number of bindings.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.attribution.aliases import Aliases
from monitor.attribution.devices import Device
from monitor.attribution.generations import UNLIMITED, Generations

# Flows start later than the TTL if applications cache answers, or if the renewed query was not captured.
GRACE_SECONDS: Final = 3600.0
MOST_SECONDS: Final = 86_400.0


@mypyc_attr(acyclic=True)
@final
class NameBinding:
    """The binding of a name to an address: one device queried `name`, and the answer had the address.

    `alias` is the listed name at the end of the CNAME chain (`b""`: not needed). `older` is the device's previous
    binding for the address. The binding is valid up to `until`.
    """

    __slots__ = ("alias", "count", "first", "last", "name", "older", "until")

    def __init__(self, name: bytes, older: "NameBinding | None", now: float) -> None:
        self.name = name
        self.alias = b""
        self.older = older
        self.first = now
        self.last = now
        self.until = now
        self.count = 0


@mypyc_attr(acyclic=True)
@final
class AddressEntry:
    """The bindings of one address: `claim` is the newest of the first `device`, `others` those of other devices."""

    __slots__ = ("claim", "count", "device", "newest", "others")

    def __init__(self, device: Device, claim: NameBinding) -> None:
        self.device = device
        self.claim = claim
        self.newest = claim
        self.others: dict[Device, NameBinding] | None = None
        self.count = 1

    def of(self, device: Device) -> NameBinding | None:
        """Returns the newest binding of the device."""
        if self.device is device:
            return self.claim
        return None if self.others is None else self.others.get(device)

    def put(self, device: Device, claim: NameBinding) -> None:
        if self.device is device:
            self.claim = claim
        elif self.others is None:
            self.others = {device: claim}
        else:
            self.others[device] = claim

    def claims(self) -> list[NameBinding]:
        """Returns all bindings, newest first."""
        claims: list[NameBinding] = []
        heads = [self.claim] if self.others is None else [self.claim, *self.others.values()]
        for head in heads:
            claim: NameBinding | None = head
            while claim is not None:
                claims.append(claim)
                claim = claim.older
        order = sorted([(-claim.last, at) for at, claim in enumerate(claims)])
        return [claims[at] for _, at in order]


@final
class AnswerCache:
    """Keeps at most `limit` bindings, and at most `per_address` (at least 2) of one device for one address.

    `aliases` maps queried names to the names at the end of their CNAME chains; it has its own limit.
    """

    __slots__ = ("_addresses", "_claims", "_limit", "_old_claims", "_per_address", "aliases", "evictions")

    def __init__(self, limit: int, per_address: int, aliases: int) -> None:
        self.aliases = Aliases(aliases)
        self._limit = limit
        self._per_address = max(2, per_address)
        self._addresses: Generations[AddressEntry] = Generations(UNLIMITED)
        self._claims = 0
        self._old_claims = 0
        self.evictions = 0

    def __len__(self) -> int:
        return self._claims + self._old_claims

    def resize(self, limit: int, per_address: int, aliases: int) -> None:
        self.aliases.resize(aliases)
        self._limit = limit
        self._per_address = max(2, per_address)

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that bindings keep their age and validity."""
        for answered in self._addresses.values():
            for claim in answered.claims():
                claim.first += seconds
                claim.last += seconds
                claim.until += seconds

    def remember(self, device: Device, address: bytes, name: bytes, alias: bytes, ttl: int, now: float) -> None:
        """Stores that an answer to the device had `address` for `name`."""
        if self._claims * 2 >= self._limit or self._claims + self._old_claims >= self._limit:
            self._turn()
        answered = self._addresses.young.get(address)
        if answered is None:
            answered = self._fetch(address)
        claim: NameBinding
        if answered is None:
            claim = NameBinding(name, None, now)
            answered = AddressEntry(device, claim)
            self._addresses.put(address, answered)
            self._claims += 1
        else:
            newest = answered.of(device)
            if newest is None or newest.name != name:
                claim = self._renew(answered, newest, name, now)
                answered.put(device, claim)
            else:
                claim = newest
            answered.newest = claim
        claim.count += 1
        claim.last = now
        until = now + (ttl if ttl < MOST_SECONDS else MOST_SECONDS) + GRACE_SECONDS
        if until > claim.until:
            claim.until = until
        claim.alias = alias
        if alias:
            self.aliases.put(name, alias)

    def newest(self, device: Device, address: bytes, now: float) -> NameBinding | None:
        """Returns the binding of this device's last answer with the address, if it is valid."""
        answered = self._answered(address)
        return None if answered is None else believed(answered.of(device), now)

    def newest_of_any(self, address: bytes, now: float) -> NameBinding | None:
        """Returns the binding of any device's last answer with the address, if it is valid."""
        answered = self._answered(address)
        return None if answered is None else believed(answered.newest, now)

    def find(self, device: Device, address: bytes, name: bytes, now: float) -> NameBinding | None:
        """Returns this device's binding of the name to the address, if it is valid."""
        answered = self._answered(address)
        claim = None if answered is None else answered.of(device)
        while claim is not None and claim.name != name:
            claim = claim.older
        return believed(claim, now)

    def names_of(self, address: bytes) -> list[NameBinding]:
        """Returns every binding of the address, newest first."""
        answered = self._answered(address)
        return [] if answered is None else answered.claims()

    def _answered(self, address: bytes) -> AddressEntry | None:
        return self._addresses.get(address)

    def _renew(self, answered: AddressEntry, newest: NameBinding | None, name: bytes, now: float) -> NameBinding:
        """Makes the binding of `name` the newest of its device; creates it if the device has none. Returns it."""
        depth = 1
        before = newest
        while before is not None and before.older is not None:
            claim = before.older
            if claim.name == name:
                before.older = claim.older
                claim.older = newest
                return claim
            depth += 1
            if depth >= self._per_address:
                # Full: the oldest claim is replaced.
                before.older = None
                answered.count -= 1
                self._claims -= 1
                self.evictions += 1
            before = before.older
        answered.count += 1
        self._claims += 1
        return NameBinding(name, newest, now)

    def _fetch(self, address: bytes) -> AddressEntry | None:
        """Moves an address from the old generation to the young one."""
        answered = self._addresses.find(address)
        if answered is not None:
            self._old_claims -= answered.count
            self._claims += answered.count
        return answered

    def _turn(self) -> None:
        """Makes the young generation the old one, and drops the previous old one."""
        self.evictions += self._old_claims
        self._addresses.age()
        self._old_claims = self._claims
        self._claims = 0


def believed(claim: NameBinding | None, now: float) -> NameBinding | None:
    """Returns the binding if it is valid, else None. Does not try older ones, even if a longer TTL keeps them valid."""
    return claim if claim is not None and claim.until >= now else None
