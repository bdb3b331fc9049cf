"""What is known about an address by itself: local or not, whose prefix, whose network, which country.

Looked up once and remembered in two generations, like names (`matches.py`).
"""

from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.attribution.counters import Attribution, Destination
from monitor.attribution.matches import ASN, PREFIX
from monitor.attribution.networks import ALWAYS_LOCAL, Networks, is_group_address, is_unspecified
from monitor.catalog.entry import Entry
from monitor.catalog.index import Index

Lookup: TypeAlias = Callable[[bytes], tuple[int, str]]

NO_ASN: Final = 0


@final
class Place:
    """An address. `own` and `network` are the attributions that it gives, strong and weak.

    `own` comes from a vendor's own prefix, evidence `prefix`. `network` says only who runs the network (an ASN, or
    a prefix of a cloud or CDN, where anybody may rent): evidence `asn`. `category` is that of its prefix. `group` is
    true for multicast and broadcast. `destination` is the ledger's cell, once it was counted.
    """

    __slots__ = ("address", "asn", "category", "country", "destination", "group", "local", "network", "own")

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.local = False
        self.group = False
        self.own: Attribution | None = None
        self.network: Attribution | None = None
        self.category = ""
        self.asn = NO_ASN
        self.country = ""
        self.destination: Destination | None = None


@final
class Places:
    """Addresses to places, at most `limit` of them."""

    __slots__ = ("_always", "_index", "_kept", "_limit", "_local", "_lookup", "_nat64", "_old", "_young", "evictions")

    def __init__(self, index: Index, local: Networks, nat64: Networks, lookup: Lookup | None, limit: int) -> None:
        self._index = index
        self._local = local
        self._always = Networks(ALWAYS_LOCAL)
        self._nat64 = nat64
        self._lookup = lookup
        self._limit = limit
        self._young: dict[bytes, Place] = {}
        self._old: dict[bytes, Place] = {}
        self._kept: dict[tuple[str, str], Attribution] = {}
        self.evictions = 0

    def reload(self, index: Index, local: Networks, nat64: Networks, lookup: Lookup | None) -> None:
        self._index = index
        self._local = local
        self._nat64 = nat64
        self._lookup = lookup
        self._young = {}
        self._old = {}
        self._kept = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, address: bytes) -> Place:
        place = self._young.get(address)
        return place if place is not None else self._look_up(address)

    def _look_up(self, address: bytes) -> Place:
        place = self._old.pop(address, None)
        if place is None:
            place = self._make(address)
        if len(self._young) * 2 >= self._limit:
            self.evictions += len(self._old)
            self._old = self._young
            self._young = {}
        self._young[address] = place
        return place

    def _make(self, address: bytes) -> Place:
        place = Place(address)
        place.group = is_group_address(address)
        place.local = self._is_local(address, place.group)
        if place.local:
            return place
        outside = self._nat64.embedded_v4(address) or address
        entry = self._index.match_address(outside)
        if entry is not None and not entry.weak:
            place.own = self._attribution(entry, PREFIX)
        elif entry is not None:
            place.network = self._attribution(entry, ASN)
        category = self._index.match_address_category(outside)
        if category is not None:
            place.category = category.vendor
        if self._lookup is not None:
            self._place_on_map(place, outside, self._lookup)
        return place

    def _place_on_map(self, place: Place, outside: bytes, lookup: Lookup) -> None:
        place.asn, place.country = lookup(outside)
        if place.asn == NO_ASN:
            return
        entry = self._index.match_asn(place.asn)
        # A vendor's own ASN says as much as who rents a cloud's prefix does not: it goes first.
        if entry is not None and (place.network is None or not entry.weak):
            place.network = self._attribution(entry, ASN)
        category = self._index.match_asn_category(place.asn)
        if category is not None and not category.weak and not place.category:
            place.category = category.vendor

    def _is_local(self, address: bytes, group: bool) -> bool:
        if group or is_unspecified(address):
            return True
        return self._local.contains(address) or self._always.contains(address)

    def _attribution(self, entry: Entry, evidence: str) -> Attribution:
        """One object an entry, so that flows to a thousand addresses of a prefix share it."""
        key = (entry.value, evidence)
        kept = self._kept.get(key)
        if kept is None:
            kept = Attribution(entry.vendor, entry.service, evidence, entry.list, entry.value)
            self._kept[key] = kept
        return kept
