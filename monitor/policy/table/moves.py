"""Moves the addresses of a map from one owner's chain to another while the rules of these chains change too.

If the rules stay the same, an element is replaced atomically. Otherwise it first moves to a passage chain, which has
the old rules of the chain that it leaves and the new rules of the chain that it goes to.
"""

from typing import Final, final

from monitor.policy.table.change import Change, DeleteElements, ReplaceElements
from monitor.policy.table.desired import Chain, Desired
from monitor.policy.table.element_diff import diff_elements

# The suffix of chains with the old rules, and of the sets that these rules use.
WAS: Final = "//was"
# The suffix of chains with only the new rules, as targets of other chains with new rules.
IS: Final = "//is"
# The prefix of passage chains, which exist during a transition only.
PASSAGE: Final = "to_"


@final
class MapMoves:
    """The changes of one map. `staged` are the chains whose old rules stay in the table next to their new rules.

    If no changed element enters or leaves a staged chain, `additions`, `replacements` and `removals` are all changes.
    """

    __slots__ = (
        "_actual", "_desired", "_name", "_passages", "_segments", "_staged", "additions", "removals", "replacements",
    )  # fmt: skip

    def __init__(self, name: str, desired: Desired, actual: Desired, staged: set[str]) -> None:
        self._name = name
        self._desired = desired
        self._actual = actual
        self._staged = staged
        self._passages: dict[tuple[str, str], str] = {}
        self._segments: list[tuple[bytes, str, str]] = []
        self.additions: list[Change] = []
        self.replacements: list[Change] = []
        self.removals: list[Change] = []
        wanted, there = desired.elements.get(name, {}), actual.elements.get(name, {})
        if wanted is there or wanted == there:
            return
        if staged and self._has_to_do_with_staged(wanted, there):
            self._go_round(wanted, there)
            return
        added, self.removals = diff_elements(name, desired.sets[name], wanted, there)
        for change in added:
            (self.replacements if isinstance(change, ReplaceElements) else self.additions).append(change)

    def chains(self) -> list[tuple[str, Chain]]:
        """Returns the chains that exist during the transition only."""
        found: list[tuple[str, Chain]] = []
        for (before, after), name in self._passages.items():
            rules: tuple[str, ...] = ()
            if before:
                rules = (f"jump {self._old(before)}",)
            found.append((name, Chain((*rules, *self._desired.chains[after].rules))))
        return found

    def first(self) -> list[Change]:
        """Returns the first change: it moves each changed element to a chain that rejects by the old or new rules."""
        if not self._segments:
            return []
        wanted, there = self._desired.elements.get(self._name, {}), self._actual.elements.get(self._name, {})
        removed = tuple([key for key, chain in there.items() if wanted.get(key) != chain])
        targets = tuple([(key, self._target(before, after)) for key, before, after in self._segments])
        return [ReplaceElements(self._name, removed, targets)]

    def last(self) -> list[Change]:
        """Returns the last change: it moves each changed element of the new map to its final chain.

        Elements that are not in the new map are in `removals`.
        """
        if not self._segments:
            return []
        wanted, there = self._desired.elements.get(self._name, {}), self._actual.elements.get(self._name, {})
        added = tuple([(key, chain) for key, chain in wanted.items() if there.get(key) != chain])
        staying = tuple([key for key, _, after in self._segments if after])
        return [ReplaceElements(self._name, staying, added)] if added else []

    def _has_to_do_with_staged(self, wanted: dict[bytes, str], there: dict[bytes, str]) -> bool:
        return any(chain in self._staged and there.get(key) != chain for key, chain in wanted.items()) or any(
            chain in self._staged and wanted.get(key) != chain for key, chain in there.items()
        )

    def _go_round(self, wanted: dict[bytes, str], there: dict[bytes, str]) -> None:
        removed = {key: chain for key, chain in there.items() if wanted.get(key) != chain}
        added = {key: chain for key, chain in wanted.items() if there.get(key) != chain}
        self._segments = overlay(removed, added)
        for _, before, after in self._segments:
            if after and before != after and (before or after in self._staged):
                self._passages.setdefault((before, after), f"{PASSAGE}{self._name}/{len(self._passages)}")
        gone = tuple([key for key, _, after in self._segments if not after])
        if gone:
            self.removals = [DeleteElements(self._name, gone)]

    def _target(self, before: str, after: str) -> str:
        """Returns the first chain that an element moves to."""
        if not after:
            return self._old(before)
        return self._passages.get((before, after), after)

    def _old(self, chain: str) -> str:
        """Returns the name of the chain that has the old rules of `chain` during the transition."""
        return chain + WAS if chain in self._staged and chain in self._desired.chains else chain


def overlay(removed: dict[bytes, str], added: dict[bytes, str]) -> list[tuple[bytes, str, str]]:
    """Splits two sets of intervals at all their edges. Returns the key, the old and the new chain (`""`: none)."""
    width = len(next(iter(removed or added))) // 2
    edges: set[int] = set()
    for key in (*removed, *added):
        edges.add(int.from_bytes(key[:width], "big"))
        edges.add(int.from_bytes(key[width:], "big") + 1)
    old, new = starts_of(removed, width), starts_of(added, width)
    found: list[tuple[bytes, str, str]] = []
    before, after = "", ""
    order = sorted(edges)
    for at, start in enumerate(order[:-1]):
        before, after = old.get(start, before), new.get(start, after)
        if before or after:
            key = start.to_bytes(width, "big") + (order[at + 1] - 1).to_bytes(width, "big")
            found.append((key, before, after))
    return found


def starts_of(elements: dict[bytes, str], width: int) -> dict[int, str]:
    """Maps the first address of each interval to its chain. The address after an interval maps to `""`, unless it is
    the first address of another interval.
    """
    starts: dict[int, str] = {}
    for key in elements:
        starts.setdefault(int.from_bytes(key[width:], "big") + 1, "")
    for key, chain in elements.items():
        starts[int.from_bytes(key[:width], "big")] = chain
    return starts


def moving_chains(desired: Desired, actual: Desired) -> tuple[set[str], set[str]]:
    """Returns the chains that elements of a map leave, and the chains that elements move to."""
    losing: set[str] = set()
    gaining: set[str] = set()
    for name, spec in desired.sets.items():
        wanted, there = desired.elements.get(name, {}), actual.elements.get(name, {})
        if spec.verdicts and wanted is not there and wanted != there:
            losing.update([chain for key, chain in there.items() if wanted.get(key) != chain])
            gaining.update([chain for key, chain in wanted.items() if there.get(key) != chain])
    return losing, gaining
