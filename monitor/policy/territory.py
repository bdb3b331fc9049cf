"""Whose address is whose, as disjoint intervals: what the kernel's maps are filled with.

Own prefixes only: what many share is never banned by address. Where prefixes nest the longest wins, as everywhere;
a vendor and a category do not compete, so an interval has one of each, or one. Neighbours with one owner are merged.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias, final

from monitor.attribution.networks import Networks
from monitor.attribution.networks import Prefix as Network
from monitor.catalog.address_map import Prefix, flatten
from monitor.catalog.entry import UNKNOWN_SERVICE
from monitor.catalog.entry import Owner as ListOwner
from monitor.catalog.index import Index

# RFC 6890 section 2.2 and the registries that it began: what is special is nobody's, whatever a list says. The
# translation prefixes are among them; IPv4 inside a configured one comes back as that of its owner.
SPECIAL: Final[tuple[str, ...]] = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
    "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip

# Vendor, service, category: each may be empty.
Owner: TypeAlias = tuple[str, str, str]
# First address, owner's number (0: nobody); each holds until the next.
Steps: TypeAlias = list[tuple[int, int]]

NOBODY: Final[Owner] = ("", "", "")


@final
class Territory:
    """The intervals of each owner. Keys are the first and the last address, packed, one behind the other.

    `never` are prefixes, as text, that no ban touches: the local ones and the gateway's own addresses.
    """

    __slots__ = ("_elements", "_never", "owners", "v4", "v6")

    def __init__(self, index: Index, nat64: Sequence[str], never: Sequence[str]) -> None:
        self.owners: dict[Owner, int] = {NOBODY: 0}
        self.v4: list[list[bytes]] = [[]]
        self.v6: list[list[bytes]] = [[]]
        self._elements: tuple[dict[Owner, str], dict[bytes, str], dict[bytes, str]] = ({}, {}, {})
        translators = Networks(nat64).prefixes
        self._never = Networks((*SPECIAL, *never)).prefixes + translators
        listed: list[list[Prefix]] = [[], [], [], []]
        numbers: dict[ListOwner, int] = {}
        lists: list[ListOwner] = []
        for order, (address, bits, owner) in enumerate(index.own_prefixes()):
            number = numbers.setdefault(owner, len(numbers) + 1)
            if number > len(lists):
                lists.append(owner)
            family = (0 if len(address) == 4 else 2) + (1 if owner.category else 0)
            listed[family].append(Prefix(address, bits, False, order, number))
        v4 = self._settle(listed[0], listed[1], lists, 4)
        self._keep(v4, 4, self.v4)
        self._keep(self._settle(listed[2], listed[3], lists, 16), 16, self.v6)
        for translator in translators:
            if translator.size == 16:
                self._embed(v4, translator)

    def elements(self, chains: dict[Owner, str]) -> tuple[dict[bytes, str], dict[bytes, str]]:
        """The elements of both families' maps: the intervals of these owners, each with its owner's chain."""
        if self._elements[0] == chains:
            return self._elements[1], self._elements[2]
        v4: dict[bytes, str] = {}
        v6: dict[bytes, str] = {}
        for owner, chain in chains.items():
            number = self.owners.get(owner, 0)
            if number:
                v4.update(dict.fromkeys(self.v4[number], chain))
                v6.update(dict.fromkeys(self.v6[number], chain))
        self._elements = (dict(chains), v4, v6)
        return v4, v6

    def _settle(self, vendors: list[Prefix], categories: list[Prefix], lists: list[ListOwner], width: int) -> Steps:
        """One owner for each address of a family, nobody for those that are never banned."""
        never = [
            Prefix((prefix.value << prefix.shift).to_bytes(width, "big"), prefix.bits, False, 0, 1)
            for prefix in self._never
            if prefix.size == width
        ]
        merged: Steps = []
        for start, vendor, category, banned in overlay(flatten(vendors), flatten(categories), flatten(never)):
            number = 0
            if not banned and (vendor or category):
                number = self._number(lists[vendor - 1] if vendor else None, lists[category - 1] if category else None)
            if not merged or merged[-1][1] != number:
                merged.append((start, number))
        return merged

    def _number(self, vendor: ListOwner | None, category: ListOwner | None) -> int:
        name = vendor.vendor if vendor is not None else ""
        service = vendor.service if vendor is not None and vendor.service != UNKNOWN_SERVICE else ""
        owner = (name, service, category.vendor if category is not None else "")
        number = self.owners.setdefault(owner, len(self.owners))
        if number == len(self.v4):
            self.v4.append([])
            self.v6.append([])
        return number

    def _keep(self, steps: Steps, width: int, kept: list[list[bytes]]) -> None:
        for at, (start, number) in enumerate(steps):
            if number:
                last = (steps[at + 1][0] if at + 1 < len(steps) else 1 << width * 8) - 1
                kept[number].append(start.to_bytes(width, "big") + last.to_bytes(width, "big"))

    def _embed(self, steps: Steps, translator: Network) -> None:
        """The same IPv4 addresses as a translator writes them into IPv6."""
        for at, (start, number) in enumerate(steps):
            if number:
                last = (steps[at + 1][0] if at + 1 < len(steps) else 1 << 32) - 1
                first_v6 = embed(start, translator)
                last_v6 = embed(last, translator) | (1 << suffix_bits(translator)) - 1
                self.v6[number].append(first_v6.to_bytes(16, "big") + last_v6.to_bytes(16, "big"))


def overlay(first: Steps, second: Steps, third: Steps) -> list[tuple[int, int, int, int]]:
    """Three step functions as one: (start, value of the first, of the second, of the third)."""
    changes: dict[int, list[tuple[int, int]]] = {}
    for which, steps in enumerate((first, second, third)):
        for start, value in steps:
            changes.setdefault(start, []).append((which, value))
    values = [0, 0, 0]
    merged = []
    for start in sorted(changes):
        for which, value in changes[start]:
            values[which] = value
        merged.append((start, values[0], values[1], values[2]))
    return merged


def suffix_bits(translator: Network) -> int:
    """How many bits follow the IPv4 address (RFC 6052 section 2.2)."""
    return 0 if translator.bits == 96 else 88 - translator.bits


def embed(address: int, translator: Network) -> int:
    """The IPv4 address behind a translator's prefix; bits 64 to 71 stay zero (RFC 6052 section 2.2)."""
    prefix = translator.value << translator.shift
    bits = translator.bits
    if bits == 96:
        return prefix | address
    before = max(0, 64 - bits)
    if before >= 32:
        return prefix | address << 128 - bits - 32
    behind = 32 - before
    return prefix | address >> behind << 64 | (address & (1 << behind) - 1) << 56 - behind
