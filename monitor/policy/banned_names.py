"""All names that a policy bans, for export to other programs: a tree of names, each with the change that it makes.

A suffix in a list covers all names below it, except those that a longer entry of another vendor covers. Allowed and
protected names, and all names below them, are not banned. An exact entry covers only itself. The result is the smallest
equivalent set of rules, or a rule for every name if the program cannot express rules for subdomains.
"""

from collections.abc import Iterable, Sequence
from typing import Final, final

from monitor.catalog.index import Index
from monitor.policy.ban import DNS
from monitor.policy.exempted import NO_DEVICE
from monitor.policy.policy import BLOCK, Policy

# A label that no list contains: its verdict is the verdict of every name below that has no entry.
BELOW: Final = b"\\000."


@final
class NameRule:
    """The rule that applies from a name downwards. `itself`, `below`: whether the name, and the names below it, are
    banned.

    `around`: whether the name would be banned without this rule.
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
    """Returns the rules that a resolver needs for a member of these groups, upper names before the names below them.

    `free` are the names that the policy protects; `every` requests a rule for each name in the lists.
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
    """Whether the sinkhole would answer a query for this name as banned."""
    owners = index.owners_of_name(name).names
    if not owners:
        return False
    verdict = policy.judge(groups, NO_DEVICE, owners, name, now, DNS)
    return verdict is not None and verdict.action == BLOCK


def least(states: dict[bytes, tuple[bool, bool]], every: bool) -> list[NameRule]:
    """Returns rules for the names whose state differs from the nearest name above; with `every`, for all names."""
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
    """Returns the sort key of a name, so that each name follows the names above it."""
    return name.split(b".")[::-1]


def nearest_above(name: bytes, known: dict[bytes, bool]) -> bytes:
    """Returns the longest known name above this one, or empty if there is none."""
    dot = name.find(b".")
    while dot >= 0:
        name = name[dot + 1 :]
        if name in known:
            return name
        dot = name.find(b".")
    return b""


def with_gaps(rules: Sequence[NameRule]) -> list[NameRule]:
    """Returns the rules, and a rule for each name without one that is between a rule's name and the next one above.

    Such a name exists in a zone only because of a name below it (an empty non-terminal). Without a rule of its own it
    would keep the wildcard above it from applying to its other subdomains (RFC 4592 section 2.2.2).
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
    """Yields the names that lie above `name` and below `above`."""
    dot = name.find(b".")
    while dot >= 0 and len(name) - dot - 1 > len(above):
        name = name[dot + 1 :]
        yield name
        dot = name.find(b".")
