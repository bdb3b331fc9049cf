"""Splits many changes into portions, so that the caller can do other work in between.

Each portion is one transaction and the order of the changes is kept: the guarantees of `diff.py` for every state
between two changes also hold between two portions.
"""

from collections.abc import Sequence
from typing import Final

from monitor.policy.table.change import AddElements, Change, DeleteElements, PutChain, ReplaceElements
from monitor.policy.table.desired import Desired

# A transaction takes 0.1 s in a table of 200,000 prefixes, however few changes it has. Measured with `perf` on Linux
# 6.18: half is nft_rbtree_commit, which walks and indexes the whole set, half is nft_table_validate, which checks the
# verdict of every element again; gatewatch's own share is 1/100. Splitting the map would save one half, and marks
# instead of verdicts the other, but nft has no verdict map keyed by the result of a map.
RULES_MAX: Final = 128
ELEMENTS_MAX: Final = 4_096


def portions(changes: Sequence[Change]) -> list[list[Change]]:
    """Groups consecutive changes of one kind, up to the maximum of a portion."""
    found: list[list[Change]] = []
    kind, size = -1, 0
    for change in changes:
        for part in divide(change):
            of_elements = int(isinstance(part, AddElements | DeleteElements | ReplaceElements))
            weight, most = weigh(part), ELEMENTS_MAX if of_elements else RULES_MAX
            if of_elements != kind or size + weight > most:
                found.append([])
                kind, size = of_elements, 0
            found[-1].append(part)
            size += weight
    return found


def divide(change: Change) -> list[Change]:
    """Splits a change with too many elements. Replacements stay whole, because their intervals overlap."""
    if isinstance(change, AddElements) and len(change.elements) > ELEMENTS_MAX:
        starts = range(0, len(change.elements), ELEMENTS_MAX)
        return [AddElements(change.set, change.elements[at : at + ELEMENTS_MAX]) for at in starts]
    if isinstance(change, DeleteElements) and len(change.keys) > ELEMENTS_MAX:
        starts = range(0, len(change.keys), ELEMENTS_MAX)
        return [DeleteElements(change.set, change.keys[at : at + ELEMENTS_MAX]) for at in starts]
    return [change]


def weigh(change: Change) -> int:
    if isinstance(change, AddElements):
        return len(change.elements)
    if isinstance(change, DeleteElements):
        return len(change.keys)
    if isinstance(change, ReplaceElements):
        return len(change.keys) + len(change.elements)
    return max(1, len(change.chain.rules)) if isinstance(change, PutChain) else 1


def first_verdict(changes: Sequence[Change], desired: Desired) -> int:
    """Returns the index of the first change that adds banned addresses."""
    for at, change in enumerate(changes):
        if isinstance(change, AddElements | ReplaceElements) and desired.sets[change.set].verdicts:
            return at
    return len(changes)
