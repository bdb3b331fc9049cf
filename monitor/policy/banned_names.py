"""Every name that a policy bans, as other programs want it: a tree of names, each with what it changes.

A list's suffix covers all below it, a longer entry of another vendor covers its part of that, names that are allowed or
protected are free with all below them, and an exact entry is about itself only. What comes out is the least that says
the same, or every name for a program that has no word for what lies below one.
"""

from collections.abc import Iterable, Sequence
from typing import Final, final

from monitor.catalog.index import Index
from monitor.policy.ban import DNS
from monitor.policy.exempted import NO_DEVICE
from monitor.policy.policy import BLOCK, Policy

# A label that no list has: what happens to it happens to every name below that has no entry.
BELOW: Final = b"\\000."


@final
class NameRule:
    """What holds from a name on. `itself` and `below`: whether the name, and what lies below it, is banned.

    `around` tells the same of where the name lies: what would hold without this rule.
    """

    __slots__ = ("around", "below", "itself", "name")

    def __init__(self, name: bytes, itself: bool, below: bool, around: bool) -> None:
        self.name = name
        self.itself = itself
        self.below = below
        self.around = around


def banned_names(
    index: Index, policy: Policy, groups: tuple[str, ...], free: Iterable[bytes], now: float, every: bool = False
) -> list[NameRule]:
    """The rules that a resolver needs for a member of these groups, those of upper names before those below them.

    `free` are the names that the policy protects; `every` asks for a rule of each name of the lists.
    """
    names = {entry.value.encode("ascii") for entry in index.entries() if entry.kind in ("suffix", "exact")}
    for ban in policy.bans:
        names.update(ban.allow)
    names.update(free)
    states: dict[bytes, tuple[bool, bool]] = {}
    for name in names:
        itself = is_banned(index, policy, groups, name, now)
        states[name] = (itself, is_banned(index, policy, groups, BELOW + name, now))
    return least(states, every)


def is_banned(index: Index, policy: Policy, groups: tuple[str, ...], name: bytes, now: float) -> bool:
    """Whether the sinkhole would answer this name as banned."""
    owners = index.owners_of_name(name).names
    if not owners:
        return False
    verdict = policy.judge(groups, NO_DEVICE, owners, name, now, DNS)
    return verdict is not None and verdict.action == BLOCK


def least(states: dict[bytes, tuple[bool, bool]], every: bool) -> list[NameRule]:
    """The names whose state is not what the nearest name above them says already; all of them for `every`."""
    rules: list[NameRule] = []
    kept: dict[bytes, bool] = {}
    for name in sorted(states, key=labels_from_the_right):
        itself, below = states[name]
        around = kept.get(nearest_above(name, kept), False)
        if every or itself != around or below != around:
            kept[name] = below
            rules.append(NameRule(name, itself, below, around))
    return rules


def labels_from_the_right(name: bytes) -> list[bytes]:
    """What names are sorted by, so that each comes behind those above it."""
    return name.split(b".")[::-1]


def nearest_above(name: bytes, known: dict[bytes, bool]) -> bytes:
    """The longest known name that this one lies below, empty where there is none."""
    dot = name.find(b".")
    while dot >= 0:
        name = name[dot + 1 :]
        if name in known:
            return name
        dot = name.find(b".")
    return b""


def with_gaps(rules: Sequence[NameRule]) -> list[NameRule]:
    """The rules, and one for each name between two of them that has none.

    A name that exists only because another one lies below it hides the wildcard above from what lies beside
    (RFC 4592 section 2.2.2).
    """
    known = {rule.name: rule.below for rule in rules}
    gaps: dict[bytes, bool] = {}
    for rule in rules:
        above = nearest_above(rule.name, known)
        for name in between(rule.name, above) if above else ():
            gaps[name] = rule.around
    filled = [NameRule(name, state, state, state) for name, state in gaps.items()]
    return sorted([*rules, *filled], key=lambda rule: labels_from_the_right(rule.name))


def between(name: bytes, above: bytes) -> Iterable[bytes]:
    """The names that lie above one and below the other."""
    dot = name.find(b".")
    while dot >= 0 and len(name) - dot - 1 > len(above):
        name = name[dot + 1 :]
        yield name
        dot = name.find(b".")
