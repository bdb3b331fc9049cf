"""Whose a name, an address or an autonomous system is: every list that names it gives it an owner.

Each holder has at most one entry for it. A holder is the shipped vendors together, one shipped category, or one list
of the user's own: a user's list adds an owner and takes none away.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.catalog.entry import Entry, Owner

# The holder of every entry of a shipped vendor. A list of the user's own has its owner's number, a category a number
# below this one.
VENDORS: Final = -1


def holders_of(owners: Sequence[Owner]) -> list[int]:
    """The holder of each owner. Of the entries of one holder only one holds for a name or an address."""
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
    """The entries that hold for one name, address or AS number: vendors first, in the order in which they label.

    The first vendor's entry (`entry`) labels metrics: a shipped vendor's, else that of the user's first list; a hosting
    company's comes after the lists, which name its customers. `category` is the first category's entry. `names` are
    the owners as bans compare them (`owner_text`), vendors before categories, none twice; `vendors` are those of
    `names` that are no categories, `categories` the slugs of the others. `behind` are those of `names` that count where
    another name leads here by CNAME: not a vendor whose customers have names here, as the other name is a customer's.
    """

    __slots__ = ("behind", "categories", "category", "entries", "entry", "names", "vendors")

    def __init__(self, entries: Sequence[Entry]) -> None:
        """`entries` are one for each holder, in the order of the lists."""
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
        """The owners to whom an address belongs by a prefix that is not shared."""
        return tuple(dict.fromkeys([entry.owner for entry in self.entries if not entry.weak]))

    def with_network(self, network: "Owners") -> "Owners":
        """These owners of an address, and those of its network where no vendor, or no category, is known nearer."""
        missing = [
            entry for entry in network.entries if (self.category is None if entry.category else self.entry is None)
        ]
        return Owners([*self.entries, *missing]) if missing else self

    def has(self, vendor: str) -> bool:
        """Whether the vendor or category of that name is among the owners."""
        return any(entry.vendor == vendor for entry in self.entries)


RANKS: Final = 5


def rank_of(entry: Entry) -> int:
    """The place of an entry among those that label: what is shared says less than what a list of the user's says."""
    if entry.category:
        return 4 if entry.user else 3
    if entry.user:
        return 1
    is_shared = entry.hosting or (entry.weak and entry.kind in ("prefix", "asn"))
    return 2 if is_shared else 0


NOBODY: Final = Owners(())
