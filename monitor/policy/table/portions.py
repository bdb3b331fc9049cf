"""Many changes cut into portions, so that whoever performs them can see to something else in between.

Each portion is one transaction, and their order is that of the changes: what `diff.py` says of each change on the way
holds for each portion.
"""

from collections.abc import Sequence
from typing import Final

from monitor.policy.table.change import AddElements, Change, DeleteElements, PutChain, ReplaceElements
from monitor.policy.table.desired import Desired

# 0.1 s each in a table of 200,000 prefixes, however few they are: the kernel's price of a transaction there. Seen by
# `perf` on Linux 6.18: half goes to nft_rbtree_commit, which walks the whole set to index it anew, half to
# nft_table_validate, which looks at the verdict of every element again; our own part is a hundredth. Splitting the map
# would spare one half, and marks in place of verdicts the other, but nft has no verdict map of a map's result.
RULES_MAX: Final = 128
ELEMENTS_MAX: Final = 4_096


def portions(changes: Sequence[Change]) -> list[list[Change]]:
    """Neighbours of one kind together, as long as they are not too many."""
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
    """A change of too many elements as several; what is replaced by what overlaps it stays together."""
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
    """Where what is banned begins among the changes."""
    for at, change in enumerate(changes):
        if isinstance(change, AddElements | ReplaceElements) and desired.sets[change.set].verdicts:
            return at
    return len(changes)
