"""The addresses that are never learned, whatever a DNS answer contains, and the keys of an address in kernel sets."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

from monitor.attribution.networks import Networks
from monitor.catalog.index import Index
from monitor.policy.owners import OwnerNames
from monitor.policy.table.owned_prefixes import SPECIAL, embed

# Maps a packed address to its AS number, 0: unknown, and its country.
Lookup: TypeAlias = Callable[[bytes], tuple[int, str]]

SPECIAL_PURPOSE: Final = "special"
LOCAL: Final = "local"
SHARED: Final = "shared"
FOREIGN: Final = "foreign"


@final
class Learnable:
    """`never` are prefixes as text: local prefixes, and the addresses of the gateway, the sinkhole and the resolvers.

    `nat64` are the translators' prefixes: an address inside one is equivalent to the IPv4 address that it contains.
    """

    __slots__ = ("_index", "_lookup", "_never", "_special", "_translators")

    def __init__(self, index: Index, lookup: Lookup | None, nat64: Sequence[str], never: Sequence[str]) -> None:
        self._index = index
        self._lookup = lookup
        self._translators = Networks(nat64)
        self._never = Networks(never)
        self._special = Networks(SPECIAL)

    def plain(self, address: bytes) -> bytes:
        """Returns the IPv4 address that a translator has embedded in the IPv6 address, or the address itself."""
        return self._translators.embedded_v4(address) or address

    def keys(self, address: bytes) -> list[bytes]:
        """Returns the forms of a plain address in packets: as it is, and inside each translator's prefix."""
        found = [address]
        if len(address) == 4:
            number = int.from_bytes(address, "big")
            for prefix in self._translators.prefixes:
                if prefix.size == 16:
                    found.append(embed(number, prefix).to_bytes(16, "big"))
        return found

    def refusal(self, address: bytes, owners: OwnerNames) -> str:
        """Returns why a plain address is never learned for the owners, or `""` if it may be learned.

        Another vendor's own prefix also serves other names of that vendor, and a cloud's prefix serves any customer. A
        prefix in a user's own list prevents nothing, because such a list only adds owners.
        """
        if self._special.contains(address):
            return SPECIAL_PURPOSE
        if self._never.contains(address):
            return LOCAL
        entries = [entry for entry in self._index.owners_of_address(address).entries if not entry.user]
        for entry in entries:
            if not entry.category:
                if entry.weak:
                    return SHARED
                return "" if any(owner.partition("/")[0] == entry.vendor for owner in owners) else FOREIGN
        categories = [entry.owner for entry in entries if not entry.weak]
        if categories and not any(owner in owners for owner in categories):
            return FOREIGN
        return SHARED if self._is_rented(address) else ""

    def own(self, address: bytes) -> OwnerNames:
        """Returns the owners whose own prefixes contain the address."""
        return self._index.owners_of_address(address).own()

    def _is_rented(self, address: bytes) -> bool:
        """Whether the address is in an AS that rents out servers."""
        if self._lookup is None:
            return False
        asn, _ = self._lookup(address)
        entry = self._index.match_asn(asn) if asn else None
        return entry is not None and entry.weak
