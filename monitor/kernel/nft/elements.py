"""Set elements, changed through nfnetlink batches: 0.05 to 0.1 ms for one element, for any table size; in a map of
200,000 prefixes 0.1 s (`policy/table/portions.py` explains why).

A batch is atomic, so one bad element fails it. The kernel reports every message that it refuses: the batch is sent
again with one message per element, the bad elements are left out and counted, and the rest is applied. A batch that is
too large for that is halved first. Deleting a missing element is not a failure. A refused batch costs 10 ms (the kernel
waits for its readers before it aborts), so elements that are likely to be missing are looked up first.
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
ROUNDS_MAX: Final = 8  # without the bad elements, the kernel may refuse others that it had accepted beside them

ElementChange = AddElements | DeleteElements | ReplaceElements


@final
class Step:
    """Packed elements to add to one set or delete from it, in one batch with other steps."""

    __slots__ = ("adds", "packed", "set")

    def __init__(self, set_name: str, adds: bool, packed: list[bytes]) -> None:
        self.set = set_name
        self.adds = adds
        self.packed = packed

    def parts(self, table: str, each: bool) -> list[tuple[int, int, bytes]]:
        """Returns netlink messages: as few as possible, or one per element if `each`."""
        kind, flags = (NFT_MSG_NEWSETELEM, NLM_F_CREATE) if self.adds else (NFT_MSG_DELSETELEM, 0)
        name = self.set.encode()
        lists = [[element] for element in self.packed] if each else [self.packed]
        return [(kind, flags, body) for some in lists for body in element_lists(table.encode(), name, some)]


@final
class Elements:
    """Adds and deletes elements. `refused` counts bad elements by set and reason, `transactions` batches by result.

    `specs` are the table's sets by name. Code that changes the table must keep it up to date.
    """

    def __init__(self, batches: Batches, nftables: Nftables, table: str = TABLE) -> None:
        self.specs: dict[str, SetSpec] = {}
        self.refused: dict[tuple[str, str], int] = {}
        self.transactions = {"ok": 0, "failed": 0}
        self._batches = batches
        self._nftables = nftables
        self._table = table

    def change(self, changes: Iterable[ElementChange]) -> int:
        """Applies the changes in order, in one transaction unless some fail. Returns the number of refused elements."""
        steps: list[Step] = []
        for change in changes:
            if isinstance(change, DeleteElements | ReplaceElements) and change.keys:
                entries = [(key, "") for key in change.keys]
                steps.append(Step(change.set, False, self.pack(change.set, entries)))
            if isinstance(change, AddElements | ReplaceElements) and change.elements:
                steps.append(Step(change.set, True, self.pack(change.set, change.elements)))
        return self._perform(steps)

    def put(self, set_name: str, entries: Sequence[tuple[bytes, str]], seconds: float, comment: bytes = b"") -> int:
        """Adds elements with a timeout of `seconds` (0: the set's default) and `comment`. Returns the number refused.

        An existing element keeps its remaining time.
        """
        if set_name not in self.specs:
            return self._refuse(Step(set_name, True, []), "ENOENT", len(entries))
        return self._perform([Step(set_name, True, self.pack(set_name, entries, seconds, comment))])

    def renew(self, set_name: str, entries: Sequence[tuple[bytes, str]], seconds: float, comment: bytes = b"") -> int:
        """Like `put`, but restarts the timeout of an existing element: deletes and adds it in one batch."""
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
        """Whether the set contains all of these packed elements."""
        return all(self._nftables.has_element(self._table, set_name, element) for element in packed)

    def seconds_left(self, set_name: str, key: bytes) -> float | None:
        """Returns the remaining lifetime of an element, None if it does not exist."""
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
        """Removes the bad elements from the steps. Indexes count through all steps. Returns the number refused."""
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
    """Splits the steps into two batches, in the same order. If there is only one step, splits its elements."""
    if len(steps) > 1:
        middle = len(steps) // 2
        return steps[:middle], steps[middle:]
    step = steps[0]
    middle = len(step.packed) // 2
    return [Step(step.set, step.adds, step.packed[:middle])], [Step(step.set, step.adds, step.packed[middle:])]
