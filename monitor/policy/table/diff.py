"""Computes the changes from the actual to the desired table, and applies changes to a table. See `transition.py`."""

from monitor.policy.table.change import (
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
from monitor.policy.table.desired import Desired
from monitor.policy.table.transition import Transition


def diff(desired: Desired, actual: Desired) -> list[Change]:
    """Returns the changes from `actual` to `desired`, in an order that leaves no gap; empty if they are equal.

    A set's name implies its type: a set with another type needs another name.
    """
    steps = Transition(desired, actual)
    return [*steps.put, *steps.take]


def apply(changes: list[Change], actual: Desired) -> Desired:
    """Returns the table after the changes, to track the kernel's state without reading it."""
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
    """Returns all elements of the sets; members precede the banned addresses."""
    found = [
        AddElements(name, tuple(desired.elements.get(name, {}).items()))
        for verdicts in (False, True)
        for name, spec in desired.sets.items()
        if spec.verdicts == verdicts and not spec.runtime
    ]
    return [change for change in found if change.elements]
