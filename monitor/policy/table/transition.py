"""The changes from one table to another without a gap.

Every state in between rejects the packets that both tables reject, and passes the packets that both pass. Each change
is one transaction of the kernel. A packet is rejected if one of several chains rejects it: the chain of the prefix that
contains its destination, and the chains of the owners whose names led to the address. The changes have three parts:

1. additions: sets, counters, new chains, members, elements. A chain whose rules change gets the new rules in
   addition to the old ones, which are kept in a separate chain (`NAME//was`);
2. replacements: elements that move from the old chain to the new one atomically, then all chains with only the
   new rules;
3. removals.

Every state up to the end of part 1 therefore rejects all that the old table rejects, every later state all that the new
table rejects, and no state rejects what neither table rejects. The old rules must not match new members of a group, and
the new rules must not match old members. Where this matters, the chains with the old rules use copies of the sets
(`NAME//was`), and the sets change while no chain uses them.
"""

from typing import final

from monitor.policy.table.chain_order import in_order_of_need, reached_from, targets_of
from monitor.policy.table.change import (
    AddCounter,
    AddElements,
    AddSet,
    Change,
    DeleteChain,
    DeleteCounter,
    DeleteSet,
    PutChain,
    ReplaceElements,
)
from monitor.policy.table.desired import Chain, Desired
from monitor.policy.table.element_diff import diff_elements
from monitor.policy.table.moves import IS, WAS, MapMoves, moving_chains
from monitor.policy.table.rules import LEARNED


@final
class Transition:
    """The changes from `actual` to `desired`: `put` adds and replaces, `take` removes what is no longer needed.

    Between the two, runtime elements (killed flows, learned addresses) can be added where the new rules expect them.
    """

    __slots__ = (
        "_actual", "_changed", "_copied", "_desired", "_dirty", "_early", "_gaining", "_gone", "_growing", "_late",
        "_losing", "_middle", "_moves", "_new", "_reached", "_shrinking", "_staged", "put", "take",
    )  # fmt: skip

    def __init__(self, desired: Desired, actual: Desired) -> None:
        self._desired = desired
        self._actual = actual
        self.put: list[Change] = []
        self.take: list[Change] = []
        self._early: list[Change] = []
        self._middle: list[Change] = []
        self._late: list[Change] = []
        self._new = {name for name in desired.chains if name not in actual.chains}
        self._gone = [name for name in actual.chains if name not in desired.chains]
        self._changed = [
            name for name, chain in actual.chains.items() if name in desired.chains and desired.chains[name] != chain
        ]
        self._dirty = [
            name
            for name, spec in desired.sets.items()
            if not spec.runtime and not spec.verdicts and name in actual.sets and self._is_dirty(name)
        ]
        losing, gaining = moving_chains(desired, actual)
        self._losing, self._gaining = reached_from(losing, actual.chains), reached_from(gaining, desired.chains)
        self._copied = self._find_copied()
        self._growing = self._find_extended(actual, desired, self._losing)
        self._shrinking = self._find_extended(desired, actual, self._gaining)
        self._staged = self._find_staged()
        self._reached = self._find_reached()
        self._moves = [
            MapMoves(name, desired, actual, self._staged)
            for name, spec in desired.sets.items()
            if spec.verdicts and not spec.runtime
        ]
        self._add_sets()
        self._keep_old_rules()
        self._change_sets()
        self._put_chains()
        self._take_away()

    def _is_dirty(self, name: str) -> bool:
        wanted, there = self._desired.elements.get(name, {}), self._actual.elements.get(name, {})
        return wanted is not there and wanted != there

    def _find_copied(self) -> set[str]:
        """Returns the sets to copy: their new members must not match old rules, or their old members not new rules."""
        if not self._dirty:
            return set()
        if len(self._dirty) > 1 and any(self._desired.sets[name].excludes for name in self._dirty):
            # A device may leave a group and lose its exclusion at once: applying only one of the two could ban it.
            return set(self._dirty)
        old = self._looked_at(self._actual, [*self._changed, *self._gone, *self._losing])
        new = self._looked_at(self._desired, [*self._changed, *self._new, *self._gaining])
        copied: set[str] = set()
        for name in self._dirty:
            wanted, there = self._desired.elements.get(name, {}), self._actual.elements.get(name, {})
            grows = any(key not in there for key in wanted)
            shrinks = any(key not in wanted for key in there)
            at_once = grows and shrinks and self._desired.sets[name].interval
            comes, goes = (shrinks, grows) if self._desired.sets[name].excludes else (grows, shrinks)
            if (name in old and (comes or at_once)) or (name in new and goes):
                copied.add(name)
        return copied

    def _looked_at(self, table: Desired, chains: list[str]) -> set[str]:
        """Returns the sets that decide which devices these chains reject or divert.

        A `return` for the elements of a set is safe in any order, unless the set `excludes` members of a group.
        """
        found: set[str] = set()
        for name in chains:
            for rule in table.chains[name].rules:
                words = rule.split()
                names = [word[1:] for word in words if word.startswith("@")]
                if words[-1] == "return" and "counter" not in words:
                    names = [name for name in names if name in table.sets and table.sets[name].excludes]
                found.update(names)
        return found

    def _find_extended(self, less: Desired, more: Desired, moving: set[str]) -> set[str]:
        """Returns the chains that only gain rules at their end, or only lose their last rules.

        Their rules change atomically, in part 1 or part 2, unless moving elements would be matched by both versions.
        """
        found: set[str] = set()
        for name in self._changed:
            few, many = less.chains[name], more.chains[name]
            extends = name != LEARNED and name not in moving and many.rules[: len(few.rules)] == few.rules
            if extends and not self._looks_at_copied(few) and not self._looks_at_copied(many):
                found.add(name)
        return found

    def _find_staged(self) -> set[str]:
        """Returns the chains of the old table whose old rules stay next to the new ones."""
        at_once = self._growing | self._shrinking | {LEARNED}
        staged = {name for name in self._changed if name not in at_once and not self._actual.chains[name].hook}
        if len(staged) == 1 and not (self._new or self._gone or self._copied or self._losing or self._gaining):
            staged = set()
        for name, chain in self._actual.chains.items():
            if self._copied and not chain.hook and self._looks_at_copied(chain):
                staged.add(name)
        self._stage_all_that_lead_to(staged)
        self._growing -= staged
        self._shrinking -= staged
        return staged

    def _stage_all_that_lead_to(self, staged: set[str]) -> None:
        """Stages the chains that lead to a staged one, and changed chains that a staged one leads to: old rules must
        lead to old rules, and new rules to new rules.
        """
        before = -1
        while before != len(staged):
            before = len(staged)
            for table in (self._actual, self._desired):
                for name, chain in table.chains.items():
                    if name == LEARNED or chain.hook or name not in self._actual.chains:
                        continue
                    targets = targets_of(chain)
                    if not targets.isdisjoint(staged):
                        staged.add(name)
                    elif name in staged:
                        staged.update([target for target in targets if target in self._changed])

    def _looks_at_copied(self, chain: Chain) -> bool:
        return any(word[1:] in self._copied for rule in chain.rules for word in rule.split() if word[:1] == "@")

    def _add_sets(self) -> None:
        desired, actual, put = self._desired, self._actual, self.put
        put += [AddSet(name, spec) for name, spec in desired.sets.items() if name not in actual.sets]
        put += [AddCounter(name, label) for name, label in desired.counters.items() if name not in actual.counters]
        for name, spec in desired.sets.items():
            if not spec.runtime and not spec.verdicts and name not in actual.sets:
                elements = desired.elements.get(name, {})
                if elements:
                    put.append(AddElements(name, tuple(elements.items())))

    def _keep_old_rules(self) -> None:
        """Adds chains with the old rules, and copies of the sets that they use. No verdict changes yet."""
        actual, put = self._actual, self.put
        copied = [name for name in actual.sets if name in self._copied]
        put += [AddSet(name + WAS, actual.sets[name]) for name in copied]
        for name in copied:
            elements = actual.elements.get(name, {})
            if elements:
                put.append(AddElements(name + WAS, tuple(elements.items())))
        for name in in_order_of_need(actual.chains):
            if name not in self._staged:
                continue
            old = Chain(tuple([self._with_copies(rule) for rule in actual.chains[name].rules]))
            if name not in self._desired.chains:
                put.append(PutChain(name, old))
                continue
            put.append(PutChain(name + WAS, old))
            if self._looks_at_copied(actual.chains[name]):
                put.append(PutChain(name, Chain((f"jump {name}{WAS}",))))

    def _with_copies(self, rule: str) -> str:
        words = [word + WAS if word[:1] == "@" and word[1:] in self._copied else word for word in rule.split()]
        if words[-1] in self._staged and words[-1] in self._desired.chains and words[-2:-1] in (["goto"], ["jump"]):
            words[-1] += WAS
        return " ".join(words)

    def _with_new_targets(self, chain: Chain) -> tuple[str, ...]:
        """Returns the rules, with jumps to the chains that contain only the new rules."""
        rules: list[str] = []
        for rule in chain.rules:
            words = rule.split()
            if words[-1] in self._reached and words[-2:-1] in (["goto"], ["jump"]):
                words[-1] += IS
                rule = " ".join(words)
            rules.append(rule)
        return tuple(rules)

    def _find_reached(self) -> list[str]:
        """Returns the staged chains that new rules lead to, each after the chains that it leads to itself."""
        reached: set[str] = set()
        for name, chain in self._desired.chains.items():
            if name in self._staged or name in self._new:
                reached |= targets_of(chain) & self._staged
        return [name for name in in_order_of_need(self._desired.chains) if name in reached]

    def _change_sets(self) -> None:
        """Adds members now and removes them last, except in sets that no chain uses and where intervals overlap."""
        gone: list[Change] = []
        for name in self._dirty:
            wanted, there = self._desired.elements.get(name, {}), self._actual.elements.get(name, {})
            added, removed = diff_elements(name, self._desired.sets[name], wanted, there)
            if name in self._copied:
                self.put += added + removed
                continue
            excludes = self._desired.sets[name].excludes
            for change in added:
                at = self._middle if isinstance(change, ReplaceElements) else gone if excludes else self.put
                at.append(change)
            (self.put if excludes else gone).extend(removed)
        self._late += gone

    def _put_chains(self) -> None:
        desired, actual, put = self._desired, self._actual, self.put
        for name in in_order_of_need(desired.chains):
            chain = desired.chains[name]
            if name in self._reached or name in self._new:
                own = name if name in self._new else name + IS
                put.append(PutChain(own, Chain(self._with_new_targets(chain), chain.hook)))
        for moves in self._moves:
            put += [PutChain(name, Chain(self._with_new_targets(chain))) for name, chain in moves.chains()]
            put += moves.first()
        for name in in_order_of_need(desired.chains):
            wanted, there = desired.chains[name], actual.chains.get(name)
            if name in self._staged:
                put.append(PutChain(name, Chain((f"jump {name}{WAS}", *self._with_new_targets(wanted)))))
            elif name == LEARNED and there is not None and not set(there.rules) <= set(wanted.rules):
                # A learned address may become an element of a map: until the map has it, LEARNED keeps its old jump.
                self._early.append(PutChain(name, wanted))
                both = Chain(tuple(dict.fromkeys((*wanted.rules, *there.rules))), wanted.hook)
                if both != there:
                    put.append(PutChain(name, both))
            elif there is not None and there != wanted and name not in self._shrinking:
                put.append(PutChain(name, wanted))
        for moves in self._moves:
            put += moves.additions
        put += self._middle
        for moves in self._moves:
            put += moves.replacements
        alone = self._staged | self._shrinking
        alone |= {name for name in self._new if not targets_of(desired.chains[name]).isdisjoint(self._staged)}
        put += [PutChain(name, desired.chains[name]) for name in in_order_of_need(desired.chains) if name in alone]
        for moves in self._moves:
            put += moves.last()

    def _take_away(self) -> None:
        desired, actual, take = self._desired, self._actual, self.take
        take += self._early
        for moves in self._moves[::-1]:
            take += moves.removals
        take += self._late
        for moves in self._moves:
            take += [DeleteChain(name) for name, _ in moves.chains()]
        take += [DeleteChain(name + IS) for name in self._reached[::-1]]
        # A deleted chain may lead to the old rules of another one, and old rules may lead to a deleted chain: each
        # chain is deleted before the chains that it leads to.
        for name in reversed(in_order_of_need(actual.chains)):
            if name not in desired.chains:
                take.append(DeleteChain(name))
            elif name in self._staged:
                take.append(DeleteChain(name + WAS))
        take += [DeleteCounter(name) for name in actual.counters if name not in desired.counters]
        take += [DeleteSet(name) for name in actual.sets if name not in desired.sets]
        take += [DeleteSet(name + WAS) for name in actual.sets if name in self._copied]
