"""Which names an address answered to, for whom, and when.

Two indexes over the same claims: by device and address (what this device was told), and by address alone (what
anybody was told, newest claim of each name). Both live in two generations: when the young one is full the old one
is dropped as a whole, what is still asked for has moved on by then.
"""

from typing import Final, final

from monitor.attribution.devices import Device

# Flows are opened later than a TTL allows, by applications that keep answers and by queries that nobody saw renewed.
GRACE_SECONDS: Final = 3600.0
MOST_SECONDS: Final = 86_400.0


@final
class Claim:
    """A name that stood for an address in answers to one device.

    `name` was asked for; `alias` is the name behind its CNAME chain that a vendor's list knows (`b""`: none needed).
    It is believed `until`, and then no more.
    """

    __slots__ = ("address", "alias", "count", "first", "last", "name", "number", "until")

    def __init__(self, name: bytes, alias: bytes, address: bytes, number: int, now: float) -> None:
        self.name = name
        self.alias = alias
        self.address = address
        self.number = number
        self.first = now
        self.last = now
        self.until = now
        self.count = 0


@final
class Memory:
    """At most `limit` claims, and `per_address` names of an address for each device."""

    __slots__ = ("_claims", "_limit", "_old", "_old_claims", "_per_address", "_young", "evictions")

    def __init__(self, limit: int, per_address: int) -> None:
        self._limit = limit
        self._per_address = per_address
        self._young: dict[bytes, list[Claim]] = {}
        self._old: dict[bytes, list[Claim]] = {}
        self._claims = 0
        self._old_claims = 0
        self.evictions = 0

    def __len__(self) -> int:
        """Entries of the per-device lists; the lists by address alone hold the same claims again."""
        return self._claims + self._old_claims

    def resize(self, limit: int, per_address: int) -> None:
        self._limit = limit
        self._per_address = per_address

    def remember(self, device: Device, address: bytes, name: bytes, alias: bytes, ttl: int, now: float) -> None:
        """An answer told the device that `name` is at `address`."""
        if self._claims * 2 >= self._limit or self._claims + self._old_claims >= self._limit:
            self._turn()
        key = device.tag + address
        claims = self._young.get(key)
        if claims is None:
            claims = self._fetch(key)
            if claims is None:
                claims = []
                self._young[key] = claims
        claim = claims[-1] if claims else None
        if claim is None or claim.name != name:
            claim = self._renew(claims, name, alias, address, device.number, now)
        claim.alias = alias
        claim.count += 1
        claim.last = now
        until = now + (ttl if ttl < MOST_SECONDS else MOST_SECONDS) + GRACE_SECONDS
        if until > claim.until:
            claim.until = until
        self._share(address, claim)

    def newest(self, device: Device, address: bytes, now: float) -> Claim | None:
        """The name that this device was told for the address last."""
        return last_valid(self._list(device.tag + address), now)

    def newest_of_any(self, address: bytes, now: float) -> Claim | None:
        """The name that any device was told for the address last."""
        return last_valid(self._list(address), now)

    def find(self, device: Device, address: bytes, name: bytes, now: float) -> Claim | None:
        """The claim of this name on the address: this device's, else anybody's."""
        claim = find_name(self._list(device.tag + address), name, now)
        return claim if claim is not None else find_name(self._list(address), name, now)

    def names_of(self, address: bytes) -> list[Claim]:
        """Every name of the address, newest first."""
        claims = self._list(address)
        return [] if claims is None else list(reversed(claims))

    def _list(self, key: bytes) -> list[Claim] | None:
        claims = self._young.get(key)
        return claims if claims is not None else self._old.get(key)

    def _renew(self, claims: list[Claim], name: bytes, alias: bytes, address: bytes, number: int, now: float) -> Claim:
        """Moves the name's claim to the end, or puts a new one there."""
        for at, claim in enumerate(claims):
            if claim.name == name:
                del claims[at]
                claims.append(claim)
                return claim
        claim = Claim(name, alias, address, number, now)
        if len(claims) >= self._per_address:
            del claims[0]
            self.evictions += 1
        else:
            self._claims += 1
        claims.append(claim)
        return claim

    def _share(self, address: bytes, claim: Claim) -> None:
        """Makes the claim the newest of those that anybody has on the address."""
        claims = self._young.get(address)
        if claims is None:
            claims = self._old.pop(address, None)
            if claims is None:
                self._young[address] = [claim]
                return
            self._young[address] = claims
        if claims[-1] is claim:
            return
        for at, other in enumerate(claims):
            if other.name == claim.name:
                del claims[at]
                break
        if len(claims) >= self._per_address:
            del claims[0]
        claims.append(claim)

    def _fetch(self, key: bytes) -> list[Claim] | None:
        """Takes a device's list over from the old generation."""
        claims = self._old.pop(key, None)
        if claims is not None:
            self._old_claims -= len(claims)
            self._claims += len(claims)
            self._young[key] = claims
        return claims

    def _turn(self) -> None:
        """The young generation becomes the old one, which is dropped."""
        self.evictions += self._old_claims
        self._old = self._young
        self._old_claims = self._claims
        self._young = {}
        self._claims = 0


def last_valid(claims: list[Claim] | None, now: float) -> Claim | None:
    """The newest claim if it is still believed: an older one would say less, whatever its TTL."""
    if claims is None or not claims:
        return None
    claim = claims[-1]
    return claim if claim.until >= now else None


def find_name(claims: list[Claim] | None, name: bytes, now: float) -> Claim | None:
    if claims is None:
        return None
    for claim in reversed(claims):
        if claim.name == name:
            return claim if claim.until >= now else None
    return None
