"""The owners of addresses as disjoint intervals, which become the elements of the kernel's maps.

Shared prefixes are not included, because they are never banned by address. An interval has every owner whose prefix
contains it; of nested prefixes of one holder, the longest applies. Adjacent intervals with the same owners are merged.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, final

from monitor.attribution.networks import NetworkPrefix as Network
from monitor.attribution.networks import Networks
from monitor.catalog.index import Index
from monitor.policy.owners import OwnerNames
from monitor.policy.table.members import merge_spans
from monitor.policy.table.probe import PROBE_V4, PROBE_V6, probe_elements

# Special-purpose addresses (RFC 6890 section 2.2 and its registries) have no owner, whatever a list contains. They
# include the translation prefixes; IPv4 addresses inside a configured one are added again with their owners.
SPECIAL: Final[tuple[str, ...]] = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
    "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip

# Intervals between two steps of `OwnedPrefixes.steps`: a few milliseconds.
INTERVALS_A_STEP: Final = 16_384

# The sorted first addresses of intervals, and a number for each interval; an interval ends where the next starts.
Intervals: TypeAlias = tuple[list[bytes], list[int]]

NOBODY: Final[OwnerNames] = ()


@final
class OwnedPrefixes:
    """The intervals by their owners. A key is the first and the last address, packed and concatenated.

    `owners` maps each set of owners to its number, which is the index of its intervals in `v4` and `v6`; `listed` are
    all owners in the catalogue. `never` are prefixes, as text, that no ban touches: the local ones and the gateway's
    own addresses. Without `at_once`, the caller must iterate over `steps` before use.
    """

    __slots__ = ("_elements", "_never", "_translators", "listed", "owners", "v4", "v6")

    def __init__(self, index: Index, nat64: Sequence[str], never: Sequence[str], at_once: bool = True) -> None:
        self.owners: dict[OwnerNames, int] = {NOBODY: 0}
        self.listed = index.owner_names()
        self.v4: list[list[bytes]] = [[]]
        self.v6: list[list[bytes]] = [[]]
        self._elements: tuple[dict[OwnerNames, str], dict[bytes, str], dict[bytes, str]] = (
            {},
            probe_elements(PROBE_V4),
            probe_elements(PROBE_V6),
        )
        self._translators = [prefix for prefix in Networks(nat64).prefixes if prefix.size == 16]
        self._never = Networks((*SPECIAL, *never)).prefixes + self._translators
        if at_once:
            for _ in self.steps(index):
                pass

    def steps(self, index: Index) -> Iterator[None]:
        """Computes the intervals, once, and yields between the parts of the work."""
        yield from self._settle(index, 4, self.v4)
        yield from self._settle(index, 16, self.v6)
        for translator in self._translators:
            for number, keys in enumerate(self.v4):
                self.v6[number] += embed_keys(keys, translator)
            yield

    def elements(self, chains: dict[OwnerNames, str]) -> tuple[dict[bytes, str], dict[bytes, str]]:
        """Returns the elements of the IPv4 map and of the IPv6 map.

        Each maps the intervals of the owners in `chains` to their chain. The element of the self-test is included.
        """
        if self._elements[0] == chains:
            return self._elements[1], self._elements[2]
        v4, v6 = probe_elements(PROBE_V4), probe_elements(PROBE_V6)
        for owners, chain in chains.items():
            number = self.owners.get(owners, 0)
            if number:
                v4.update(dict.fromkeys(self.v4[number], chain))
                v6.update(dict.fromkeys(self.v6[number], chain))
        self._elements = (dict(chains), v4, v6)
        return v4, v6

    def _settle(self, index: Index, width: int, kept: list[list[bytes]]) -> Iterator[None]:
        """Assigns each address of a family to its owners, and addresses that are never banned to no owner."""
        own = index.own_intervals(width, self.owners)
        while len(self.v4) < len(self.owners):
            self.v4.append([])
            self.v6.append([])
        yield
        never = forbidden(self._never, width)
        start = bytes(width)
        current = 0
        for count, (at, listed, banned) in enumerate(overlay(own, never)):
            if count % INTERVALS_A_STEP == 0:
                yield
            number = 0 if banned else listed
            if number != current:
                if current:
                    kept[current].append(start + before(at))
                start, current = at, number
        if current:
            kept[current].append(start + b"\xff" * width)


def forbidden(prefixes: Sequence[Network], width: int) -> Intervals:
    """Returns intervals with the number 1 for the addresses of these prefixes, which may overlap."""
    starts = [bytes(width)]
    numbers = [0]
    spans = [(prefix.size, prefix.value << prefix.shift, (prefix.value + 1 << prefix.shift) - 1) for prefix in prefixes]
    for size, first, last in merge_spans(spans):
        if size == width:
            starts.append(first.to_bytes(width, "big"))
            numbers.append(1)
            if last + 1 < 1 << width * 8:
                starts.append((last + 1).to_bytes(width, "big"))
                numbers.append(0)
    return starts, numbers


def overlay(many: Intervals, few: Intervals) -> Iterator[tuple[bytes, int, int]]:
    """Overlays two lists of intervals: yields the start of each interval and the numbers that apply there."""
    at, a, b = 0, 0, 0
    for place, start in enumerate(many[0]):
        while at < len(few[0]) and few[0][at] <= start:
            begin, b = few[0][at], few[1][at]
            at += 1
            if begin < start:
                yield begin, a, b
        a = many[1][place]
        yield start, a, b
    for begin, b in zip(few[0][at:], few[1][at:], strict=True):
        yield begin, a, b


def before(address: bytes) -> bytes:
    """Returns the address before this one."""
    return (int.from_bytes(address, "big") - 1).to_bytes(len(address), "big")


def embed_keys(keys: list[bytes], translator: Network) -> list[bytes]:
    """Returns the intervals of IPv4 addresses as the translator embeds them in IPv6."""
    if translator.bits == 96:
        prefix = translator.value.to_bytes(12, "big")
        return [prefix + key[:4] + prefix + key[4:] for key in keys]
    suffix = (1 << suffix_bits(translator)) - 1
    embedded = []
    for key in keys:
        first = embed(int.from_bytes(key[:4], "big"), translator)
        last = embed(int.from_bytes(key[4:], "big"), translator) | suffix
        embedded.append(first.to_bytes(16, "big") + last.to_bytes(16, "big"))
    return embedded


def suffix_bits(translator: Network) -> int:
    """Returns the number of bits after the IPv4 address in an address of this prefix (RFC 6052 section 2.2)."""
    return 0 if translator.bits == 96 else 88 - translator.bits


def embed(address: int, translator: Network) -> int:
    """Embeds the IPv4 address in a translator's prefix; bits 64 to 71 stay zero (RFC 6052 section 2.2)."""
    prefix = translator.value << translator.shift
    bits = translator.bits
    if bits == 96:
        return prefix | address
    before = max(0, 64 - bits)
    if before >= 32:
        return prefix | address << 128 - bits - 32
    behind = 32 - before
    return prefix | address >> behind << 64 | (address & (1 << behind) - 1) << 56 - behind
