"""Caches properties of an address: local or not, the owner of its prefix, its network and country.

Each address is looked up once and kept in a bounded table (`generations.py`), as names are (`matches.py`).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

from monitor.attribution.counters import Attribution, Destination
from monitor.attribution.generations import Generations
from monitor.attribution.matches import ASN, PREFIX
from monitor.attribution.networks import ALWAYS_LOCAL, Networks, is_group_address, is_unspecified
from monitor.catalog.entry import Entry
from monitor.catalog.index import Index

Lookup: TypeAlias = Callable[[bytes], tuple[int, str]]

NO_ASN: Final = 0


@final
class RemoteAddress:
    """An address. `own` and `network` are its attributions, strong and weak.

    `own` comes from a vendor's own prefix, evidence `prefix`. `network` shows only who operates the network (an ASN, or
    a prefix of a cloud or CDN, where anybody may rent): evidence `asn`. `categories` are those of its prefix and ASN.
    `group` is true for multicast and broadcast. `destination` is the ledger's cell, once it was counted.
    """

    __slots__ = ("address", "asn", "categories", "country", "destination", "group", "local", "network", "own")

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.local = False
        self.group = False
        self.own: Attribution | None = None
        self.network: Attribution | None = None
        self.categories: tuple[str, ...] = ()
        self.asn = NO_ASN
        self.country = ""
        self.destination: Destination | None = None


@final
class RemoteCache:
    """Maps addresses to their properties, at most `limit` of them."""

    __slots__ = ("_always", "_attributions", "_index", "_kept", "_local", "_lookup", "_nat64")

    def __init__(self, index: Index, local: Networks, nat64: Networks, lookup: Lookup | None, limit: int) -> None:
        self._index = index
        self._local = local
        self._always = Networks(ALWAYS_LOCAL)
        self._nat64 = nat64
        self._lookup = lookup
        self._kept: Generations[RemoteAddress] = Generations(limit)
        self._attributions: dict[tuple[str, str, tuple[str, ...]], Attribution] = {}

    def reload(self, index: Index, local: Networks, nat64: Networks, lookup: Lookup | None) -> None:
        self._index = index
        self._local = local
        self._nat64 = nat64
        self._lookup = lookup
        self._kept.clear()
        self._attributions = {}

    def __len__(self) -> int:
        return len(self._kept)

    def resize(self, limit: int) -> None:
        """Changes the limit. Excess addresses are dropped when further addresses are added."""
        self._kept.limit = limit

    @property
    def evictions(self) -> int:
        return self._kept.evictions

    def of(self, address: bytes) -> RemoteAddress:
        place = self._kept.young.get(address)
        return place if place is not None else self._look_up(address)

    def _look_up(self, address: bytes) -> RemoteAddress:
        place = self._kept.find(address)
        if place is None:
            place = self._make(address)
            self._kept.put(address, place)
        return place

    def _make(self, address: bytes) -> RemoteAddress:
        place = RemoteAddress(address)
        place.group = is_group_address(address)
        place.local = self._is_local(address, place.group)
        if place.local:
            return place
        outside = self._nat64.embedded_v4(address) or address
        owners = self._index.owners_of_address(outside)
        vendors = [entry for entry in owners.entries if not entry.category]
        own = [entry for entry in vendors if not entry.weak]
        shared = [entry for entry in vendors if entry.weak]
        if own:
            place.own = self._attribution(own, PREFIX)
        if shared and (not own or own[0].user):
            place.network = self._attribution(shared, ASN)
        place.categories = owners.categories
        if self._lookup is not None:
            self._place_on_map(place, outside, self._lookup)
        return place

    def _place_on_map(self, place: RemoteAddress, outside: bytes, lookup: Lookup) -> None:
        place.asn, place.country = lookup(outside)
        if place.asn == NO_ASN:
            return
        entries = self._index.owners_of_asn(place.asn).entries
        vendors = [entry for entry in entries if not entry.category]
        # A vendor's own ASN precedes the prefix of a cloud, whose tenants are unknown.
        if vendors and (place.network is None or not vendors[0].weak):
            place.network = self._attribution(vendors, ASN)
        for entry in entries:
            if entry.category and not entry.weak and entry.vendor not in place.categories:
                place.categories += (entry.vendor,)

    def _is_local(self, address: bytes, group: bool) -> bool:
        if group or is_unspecified(address):
            return True
        return self._local.contains(address) or self._always.contains(address)

    def _attribution(self, entries: Sequence[Entry], evidence: str) -> Attribution:
        """Returns one shared object per entry, so that flows to a thousand addresses of a prefix share it."""
        entry = entries[0]
        owners = tuple(dict.fromkeys([entry.owner for entry in entries]))
        key = (entry.value, evidence, owners)
        kept = self._attributions.get(key)
        if kept is None:
            kept = Attribution(entry.vendor, entry.service, evidence, entry.list, entry.value, owners, entry.user)
            self._attributions[key] = kept
        return kept
