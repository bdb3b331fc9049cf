"""Determines the owners of a name, an address or an autonomous system: one per holder that lists it.

Each holder has at most one entry for it. A holder is all shipped vendors together, one shipped category, or one user
list: a user list adds an owner and removes none.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.catalog.entry import Entry, Owner

# The holder of every entry of a shipped vendor. The holder of a user list is its owner's number, that of a category a
# number below this one.
VENDORS: Final = -1


def holders_of(owners: Sequence[Owner]) -> list[int]:
    """Returns the holder of each owner. Of the entries of one holder only one applies to a name or an address."""
    categories: dict[str, int] = {}
    holders: list[int] = []
    for number, owner in enumerate(owners):
        if owner.user:
            holders.append(number)
        elif owner.category:
            holders.append(categories.setdefault(owner.vendor, VENDORS - 1 - len(categories)))
        else:
            holders.append(VENDORS)
    return holders


@final
class Owners:
    """The entries for one name, address or AS number: vendors first, in the order in which they label.

    The first vendor's entry (`entry`) labels metrics: a shipped vendor's, else that of the user's first list; a hosting
    company's entry follows the lists, which name its customers. `category` is the first category's entry. `names` are
    the distinct owners as bans compare them (`owner_text`), vendors before categories; `vendors` are those of `names`
    that are not categories, `categories` the slugs of the others. `behind` are those of `names` that apply to another
    name that leads here by CNAME: a vendor whose customers have names here is left out, because the other name is a
    customer's.
    """

    __slots__ = ("behind", "categories", "category", "entries", "entry", "names", "vendors")

    def __init__(self, entries: Sequence[Entry]) -> None:
        """`entries` has one entry of each holder, in the order of the lists."""
        ordered = [entry for rank in range(RANKS) for entry in entries if rank_of(entry) == rank]
        vendors = [entry for entry in ordered if not entry.category]
        categories = [entry for entry in ordered if entry.category]
        self.entries = tuple(ordered)
        self.entry: Entry | None = vendors[0] if vendors else None
        self.category: Entry | None = categories[0] if categories else None
        self.vendors = tuple(dict.fromkeys([entry.owner for entry in vendors]))
        self.names = self.vendors + tuple(dict.fromkeys([entry.owner for entry in categories]))
        hosts = {entry.owner for entry in ordered if entry.hosting}
        self.behind = tuple([name for name in self.names if name not in hosts]) if hosts else self.names
        self.categories = tuple(dict.fromkeys([entry.vendor for entry in categories]))

    def own(self) -> tuple[str, ...]:
        """Returns the owners of an address by a prefix that is not shared."""
        return tuple(dict.fromkeys([entry.owner for entry in self.entries if not entry.weak]))

    def with_network(self, network: "Owners") -> "Owners":
        """Returns these owners of an address, with those of its network if the address itself has no vendor, or no
        category.
        """
        missing = [
            entry for entry in network.entries if (self.category is None if entry.category else self.entry is None)
        ]
        return Owners([*self.entries, *missing]) if missing else self

    def has(self, vendor: str) -> bool:
        """Whether the vendor or category of that name is among the owners."""
        return any(entry.vendor == vendor for entry in self.entries)


RANKS: Final = 5


def rank_of(entry: Entry) -> int:
    """Returns the position of an entry among those that label: a shared entry follows the entries of user lists."""
    if entry.category:
        return 4 if entry.user else 3
    if entry.user:
        return 1
    is_shared = entry.hosting or (entry.weak and entry.kind in ("prefix", "asn"))
    return 2 if is_shared else 0


NOBODY: Final = Owners(())
