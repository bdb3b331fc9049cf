"""Elements of the table's sets, through nfnetlink batches: 0.05 to 0.1 ms for one, whatever else the table holds; in a
map of prefixes 0.1 s where there are 200,000 (`policy/table/portions.py` says where that goes).

A batch is all or nothing, and one bad element loses it. The kernel names every message that it refuses, so the batch is
sent again with a message for each element, the bad ones are left out and counted, and the rest goes on; where
it is too large for that, it is halved first. Deleting what is gone already is no failure. A refused batch costs 10 ms
(the kernel waits for its readers before it gives up), so what is likely to be gone is looked for first.
"""

import errno
from collections.abc import Iterable, Sequence
from typing import Final, final

from monitor.kernel.nft.listing import Nftables
from monitor.kernel.nft.nfnetlink import NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM, NLM_F_CREATE, TOO_LARGE, Batches
from monitor.policy.table.change import AddElements, DeleteElements, ReplaceElements
from monitor.policy.table.desired import TABLE, SetSpec
from monitor.wire.netlink.set_elements import element_lists, key_widths, pack_elements

BATCH_BYTES_MAX: Final = 33_554_432
ROUNDS_MAX: Final = 8  # leaving bad elements out may show others, which had not been bad beside them

ElementChange = AddElements | DeleteElements | ReplaceElements


@final
class Step:
    """Packed elements to add to or delete from one set, in a batch together with others."""

    __slots__ = ("adds", "packed", "set")

    def __init__(self, set_name: str, adds: bool, packed: list[bytes]) -> None:
        self.set = set_name
        self.adds = adds
        self.packed = packed

    def parts(self, table: str, each: bool) -> list[tuple[int, int, bytes]]:
        """As messages: as few as hold all, or one for `each` element."""
        kind, flags = (NFT_MSG_NEWSETELEM, NLM_F_CREATE) if self.adds else (NFT_MSG_DELSETELEM, 0)
        name = self.set.encode()
        lists = [[element] for element in self.packed] if each else [self.packed]
        return [(kind, flags, body) for some in lists for body in element_lists(table.encode(), name, some)]


@final
class Elements:
    """Adds and deletes; `refused` counts bad elements by set and reason, `transactions` batches by result.

    `specs` are the table's sets by name; it must be kept true by whoever changes the table.
    """

    def __init__(self, batches: Batches, nftables: Nftables, table: str = TABLE) -> None:
        self.specs: dict[str, SetSpec] = {}
        self.refused: dict[tuple[str, str], int] = {}
        self.transactions = {"ok": 0, "failed": 0}
        self._batches = batches
        self._nftables = nftables
        self._table = table

    def change(self, changes: Iterable[ElementChange]) -> int:
        """Performs the changes in order, as one transaction where all goes well; how many elements were refused."""
        steps: list[Step] = []
        for change in changes:
            if isinstance(change, DeleteElements | ReplaceElements) and change.keys:
                entries = [(key, "") for key in change.keys]
                steps.append(Step(change.set, False, self.pack(change.set, entries)))
            if isinstance(change, AddElements | ReplaceElements) and change.elements:
                steps.append(Step(change.set, True, self.pack(change.set, change.elements)))
        return self._perform(steps)

    def put(self, set_name: str, entries: Sequence[tuple[bytes, str]], seconds: float, comment: bytes = b"") -> int:
        """Adds elements that live `seconds` (0: as the set says) and carry `comment`; how many were refused.

        An element that is there keeps the time that it has left.
        """
        if set_name not in self.specs:
            return self._refuse(Step(set_name, True, []), "ENOENT", len(entries))
        return self._perform([Step(set_name, True, self.pack(set_name, entries, seconds, comment))])

    def renew(self, set_name: str, entries: Sequence[tuple[bytes, str]], seconds: float, comment: bytes = b"") -> int:
        """As `put`, and an element that is there begins its time anew: it is deleted and added in one batch."""
        if set_name not in self.specs:
            return self._refuse(Step(set_name, True, []), "ENOENT", len(entries))
        there = self._there(set_name, self.pack(set_name, [(key, "") for key, _ in entries]))
        fresh = self.pack(set_name, entries, seconds, comment)
        return self._perform([Step(set_name, False, there), Step(set_name, True, fresh)])

    def drop(self, set_name: str, keys: Sequence[bytes]) -> None:
        if set_name not in self.specs:
            return
        there = self._there(set_name, self.pack(set_name, [(key, "") for key in keys]))
        self._perform([Step(set_name, False, there)])

    def pack(
        self, set_name: str, entries: Sequence[tuple[bytes, str]], seconds: float = 0.0, comment: bytes = b""
    ) -> list[bytes]:
        spec = self.specs[set_name]
        return pack_elements(key_widths(spec.key), spec.interval, list(entries), int(seconds * 1000), comment)

    def are_there(self, set_name: str, packed: Sequence[bytes]) -> bool:
        """Whether the set holds all of these, as `pack` gives them."""
        return all(self._nftables.has_element(self._table, set_name, element) for element in packed)

    def seconds_left(self, set_name: str, key: bytes) -> float | None:
        """How long an element still lives, None where it is not there."""
        return self._nftables.seconds_left(self._table, set_name, self.pack(set_name, [(key, "")])[0])

    def _there(self, set_name: str, packed: list[bytes]) -> list[bytes]:
        return [element for element in packed if self._nftables.has_element(self._table, set_name, element)]

    def _perform(self, steps: list[Step]) -> int:
        steps = [step for step in steps if step.packed]
        if not steps:
            return 0
        size = sum(len(element) for step in steps for element in step.packed)
        bad = self._send(steps, False) if size <= BATCH_BYTES_MAX else TOO_LARGE
        if not bad:
            return 0
        refused = 0
        for _ in range(ROUNDS_MAX):
            bad = self._send(steps, True)
            if not bad:
                return refused
            if bad == TOO_LARGE:
                return refused + self._perform_halves(steps)
            refused += self._leave_out(steps, dict(bad))
        return refused + sum(self._refuse(step, "rounds", len(step.packed)) for step in steps)

    def _perform_halves(self, steps: list[Step]) -> int:
        count = sum(len(step.packed) for step in steps)
        if count == 1:
            return self._refuse(steps[0], "size", 1)
        first, second = halve(steps)
        return self._perform(first) + self._perform(second)

    def _send(self, steps: Sequence[Step], each: bool) -> list[tuple[int, int]]:
        bad = self._batches.send([part for step in steps for part in step.parts(self._table, each)])
        self.transactions["failed" if bad else "ok"] += 1
        return bad

    def _leave_out(self, steps: list[Step], bad: dict[int, int]) -> int:
        """Takes the bad elements, counted through all steps, out of them; how many of these are failures."""
        refused = 0
        index = 0
        for step in steps:
            good: list[bytes] = []
            for element in step.packed:
                code = bad.get(index, 0)
                index += 1
                if not code:
                    good.append(element)
                elif step.adds or code != errno.ENOENT:
                    refused += self._refuse(step, errno.errorcode.get(code, str(code)), 1)
            step.packed = good
        return refused

    def _refuse(self, step: Step, reason: str, count: int) -> int:
        if count:
            key = (step.set, reason)
            self.refused[key] = self.refused.get(key, 0) + count
        return count


def halve(steps: list[Step]) -> tuple[list[Step], list[Step]]:
    """The same elements in the same order, as two batches; a step is divided where there is only one."""
    if len(steps) > 1:
        middle = len(steps) // 2
        return steps[:middle], steps[middle:]
    step = steps[0]
    middle = len(step.packed) // 2
    return [Step(step.set, step.adds, step.packed[:middle])], [Step(step.set, step.adds, step.packed[middle:])]
