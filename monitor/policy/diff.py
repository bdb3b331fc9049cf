"""From what is there to what must be: the fewest changes, in an order that leaves no gap.

Each change is one transaction, and after each of them whoever is banned before and after is banned still: members come
before the rules that ask for them, rules before the addresses that lead to them, and everything goes in the opposite
order, last. Where an address has several owners, by answers or beside its prefix, one owner's ban may go a step before
another's comes. All that holds while bans, groups and devices change, or the catalogue does; who changes both at once
makes two steps of it, bans first.
"""

from monitor.policy.change import (
    AddCounter,
    AddElements,
    AddSet,
    Change,
    DeleteChain,
    DeleteCounter,
    DeleteElements,
    DeleteSet,
    PutChain,
    ReplaceElements,
)
from monitor.policy.desired import Chain, Desired, SetSpec
from monitor.policy.rules import LEARNED


def diff(desired: Desired, actual: Desired) -> list[Change]:
    """The changes that make `desired` of `actual`; none where they are equal.

    A set's name stands for its shape: one that changed its shape would need another name.
    """
    plain: list[Change] = []
    maps: list[Change] = []
    removals: list[Change] = []
    for name, spec in desired.sets.items():
        if not spec.runtime:
            added, removed = diff_elements(name, spec, desired.elements.get(name, {}), actual.elements.get(name, {}))
            (maps if spec.verdicts else plain).extend(added)
            removals[:0] = removed if spec.verdicts else []
            removals.extend([] if spec.verdicts else removed)
    changes: list[Change] = [AddSet(name, spec) for name, spec in desired.sets.items() if name not in actual.sets]
    changes += [AddCounter(name, label) for name, label in desired.counters.items() if name not in actual.counters]
    changes += plain
    late: list[Change] = []
    for name in in_order_of_need(desired.chains):
        wanted, there = desired.chains[name], actual.chains.get(name)
        if name == LEARNED and there is not None and not set(there.rules) <= set(wanted.rules):
            # An address that was learned before may stand in a map afterwards: until it does, both ways lead there.
            late.append(PutChain(name, wanted))
            wanted = Chain(tuple(dict.fromkeys((*wanted.rules, *there.rules))), wanted.hook)
        if there != wanted:
            changes.append(PutChain(name, wanted))
    changes += maps
    changes += late
    changes += removals
    changes += [DeleteChain(name) for name in reversed(in_order_of_need(actual.chains)) if name not in desired.chains]
    changes += [DeleteCounter(name) for name in actual.counters if name not in desired.counters]
    changes += [DeleteSet(name) for name in actual.sets if name not in desired.sets]
    return changes


def diff_elements(
    name: str, spec: SetSpec, desired: dict[bytes, str], actual: dict[bytes, str]
) -> tuple[list[Change], list[Change]]:
    """What to add or replace in one set, and what to delete from it afterwards."""
    if desired is actual or desired == actual:
        return [], []
    added = [(key, chain) for key, chain in desired.items() if actual.get(key) != chain]
    removed = [key for key, chain in actual.items() if desired.get(key) != chain]
    if added and removed and (spec.interval or spec.verdicts):
        clashing_keys, clashing = find_clashes(added, removed, spec.interval)
    else:
        clashing_keys, clashing = set(), set()
    additions: list[Change] = []
    free = tuple([pair for pair in added if pair[0] not in clashing] if clashing else added)
    if free:
        additions.append(AddElements(name, free))
    if clashing:
        pairs = tuple([pair for pair in added if pair[0] in clashing])
        additions.append(ReplaceElements(name, tuple([key for key in removed if key in clashing_keys]), pairs))
    gone = tuple([key for key in removed if key not in clashing_keys])
    return additions, [DeleteElements(name, gone)] if gone else []


def find_clashes(added: list[tuple[bytes, str]], removed: list[bytes], interval: bool) -> tuple[set[bytes], set[bytes]]:
    """Which of the removed keys overlap an added one, and which of the added overlap a removed one.

    Keys of one kind never overlap each other. Plain keys overlap where they are equal, an `interval` is two addresses.
    """
    marks = [(key, 1) for key in removed] + [(key, 0) for key, _ in added]
    marks.sort()
    old: set[bytes] = set()
    new: set[bytes] = set()
    reach: list[bytes] = [b"", b""]
    holder: list[bytes] = [b"", b""]
    for key, side in marks:
        half = len(key) // 2 if interval else 0
        first, last = (key[:half], key[half:]) if half else (key, key)
        other = 1 - side
        if holder[other] and reach[other] >= first:
            (old if side else new).add(key)
            (new if side else old).add(holder[other])
        reach[side], holder[side] = last, key
    return old, new


def in_order_of_need(chains: dict[str, Chain]) -> list[str]:
    """The chains' names, each behind those that its rules jump or go to."""
    order: dict[str, None] = {}
    for name in chains:
        place(name, chains, order)
    return list(order)


def place(name: str, chains: dict[str, Chain], order: dict[str, None]) -> None:
    """Puts a chain in order behind what it needs; jumps never make a circle, the kernel refuses one."""
    if name in order:
        return
    for rule in chains[name].rules:
        words = rule.split()
        if len(words) > 1 and words[-2] in ("goto", "jump") and words[-1] in chains:
            place(words[-1], chains, order)
    order[name] = None


def apply(changes: list[Change], actual: Desired) -> Desired:
    """What is there after the changes, for whoever keeps account of the kernel's state without reading it."""
    sets, counters, chains = dict(actual.sets), dict(actual.counters), dict(actual.chains)
    elements = {name: dict(kept) for name, kept in actual.elements.items()}
    for change in changes:
        if isinstance(change, AddSet):
            sets[change.name] = change.spec
            if not change.spec.runtime:
                elements.setdefault(change.name, {})
        elif isinstance(change, DeleteSet):
            del sets[change.name]
            elements.pop(change.name, None)
        elif isinstance(change, AddCounter):
            counters[change.name] = change.label
        elif isinstance(change, DeleteCounter):
            del counters[change.name]
        elif isinstance(change, PutChain):
            chains[change.name] = change.chain
        elif isinstance(change, DeleteChain):
            del chains[change.name]
        else:
            change_elements(elements[change.set], change)
    return Desired(sets, counters, chains, elements)


def change_elements(kept: dict[bytes, str], change: AddElements | DeleteElements | ReplaceElements) -> None:
    if isinstance(change, DeleteElements | ReplaceElements):
        for key in change.keys:
            del kept[key]
    if isinstance(change, AddElements | ReplaceElements):
        kept.update(change.elements)


def all_elements(desired: Desired) -> list[AddElements]:
    """Everything that the sets hold; members stand before what is banned."""
    found = [
        AddElements(name, tuple(desired.elements.get(name, {}).items()))
        for verdicts in (False, True)
        for name, spec in desired.sets.items()
        if spec.verdicts == verdicts and not spec.runtime
    ]
    return [change for change in found if change.elements]
