"""Computes the changes of one set. Overlapping intervals and elements with another chain are replaced atomically."""

from monitor.policy.table.change import AddElements, Change, DeleteElements, ReplaceElements
from monitor.policy.table.desired import SetSpec


def diff_elements(
    name: str, spec: SetSpec, desired: dict[bytes, str], actual: dict[bytes, str]
) -> tuple[list[Change], list[Change]]:
    """Returns the additions and replacements in one set, and the deletions that follow them."""
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
    """Returns which removed keys overlap an added key, and which added keys overlap a removed key.

    Removed keys never overlap each other, and neither do added keys. Plain keys overlap if they are equal; with
    `interval`, a key is the first and the last address.
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
