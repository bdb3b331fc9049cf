"""Pairs of policies and catalogues, and whether a step from one to the other passes or refuses what neither end does.

`packets` go in every shape from every source to every destination of the small world, so that one pair is looked at
whole, and not by the packets that chance chose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from fake_kernel import DIVERT, PASS, REJECT, FakeKernel, Packet
from hypothesis import strategies as st
from worlds import DESTINATIONS, INTERFACES, MACS, SOURCES, Listed, World, catalogues, learned_sets, packed, worlds

from monitor.policy.table.change import AddElements, Change, DeleteElements, PutChain, ReplaceElements
from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff

BANNED = (REJECT, DIVERT)
# The fake kernel refuses the other changes where a rule looks at what they are about: they move no packet.
MOVING = (PutChain, AddElements, DeleteElements, ReplaceElements)


@dataclass(frozen=True)
class Gap:
    """A packet, what the kernels of before and afterwards do with it, and what it meets after the change."""

    change: Change
    packet: Packet
    before: str
    after: str
    met: str


@dataclass(frozen=True)
class Pair:
    """What is in force before and afterwards, and where names had led by then."""

    before: World
    after: World
    listed_before: Listed
    listed_after: Listed

    def tables(self) -> tuple[Desired, Desired]:
        return self.before.desired(self.listed_before), self.after.desired(self.listed_after)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Mostly of two that have much in common, as the policies before and after an administrator's change."""
    before, other = draw(worlds), draw(worlds)
    kept = {field.name: getattr(before, field.name) for field in fields(World) if draw(st.booleans())}
    after = replace(other, **kept)
    if "bans" not in kept:
        mixed = [draw(st.sampled_from(two)) for two in zip(before.bans, other.bans, strict=False)]
        after = replace(after, bans=tuple(mixed) + other.bans[len(mixed) :])
    listed = draw(catalogues)
    return Pair(before, after, listed, listed if draw(st.booleans()) else draw(catalogues))


shapes = st.tuples(
    st.lists(st.sampled_from([*MACS, b""]), min_size=1, max_size=2, unique=True), st.sampled_from(INTERFACES)
)


def packets(macs: Sequence[bytes], came_in: str) -> Iterator[Packet]:
    """From every source with these MACs to every destination, by TCP and as a query."""
    for source in map(packed, SOURCES):
        for destination in map(packed, DESTINATIONS):
            if len(source) == len(destination):
                for mac in macs:
                    yield Packet(source, destination, mac, 6, 40000, 443, 16, came_in, "wan0")
                    yield Packet(source, destination, mac, 17, 40000, 53, 0, came_in, "wan0")


def kernel_of(desired: Desired, living: Sequence[str], learned: Sequence[tuple[str, bytes]]) -> FakeKernel:
    """`learned` are chains with addresses that answers led to, as far as the chains are there."""
    kernel = FakeKernel(desired)
    for interface in living:
        kernel.put("alive", interface.encode())
    for chain, key in learned:
        if chain in desired.chains:
            for name in learned_sets(chain, key):
                kernel.put(name, key)
    return kernel


def find_gap(pair: Pair, sent: Sequence[Packet], living: Sequence[str] = INTERFACES) -> Gap | None:
    """The first gap or false refusal on the way from one table to the other."""
    old, new = pair.tables()
    return gap_between(old, new, diff(new, old), pair.before.learned(old, pair.listed_before), sent, living)


def gap_between(
    old: Desired,
    new: Desired,
    changes: Sequence[Change],
    learned: Sequence[tuple[str, bytes]],
    sent: Sequence[Packet],
    living: Sequence[str] = INTERFACES,
) -> Gap | None:
    kernel, target = kernel_of(old, living, learned), kernel_of(new, living, learned)
    before = [kernel.forward(packet) for packet in sent]
    after = [target.forward(packet) for packet in sent]
    watched = [
        (packet, was, will)
        for packet, was, will in zip(sent, before, after, strict=True)
        if (was in BANNED and will in BANNED) or was == will
    ]
    for change in changes:
        kernel.change(change)
        if not isinstance(change, MOVING):
            continue
        for packet, was, will in watched:
            met = kernel.forward(packet)
            if (met == PASS) if was in BANNED else (met != PASS):
                return Gap(change, packet, was, will, met)
            if was == will == DIVERT and met != DIVERT:
                return Gap(change, packet, was, will, met)
    return None
