"""A kernel that executes the rules which the policy would install, and says where a packet goes.

The tests of the real kernel ask it for the same packets.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from itertools import pairwise

from nft_words import DIVERT, DROP, FIELDS, FLAGS, PASS, REJECT, TCP, UDP, Packet, choices_of, statements_of

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
from monitor.policy.table.desired import Chain, Desired, SetSpec

__all__ = ["DIVERT", "DROP", "PASS", "REJECT", "TCP", "UDP", "FakeKernel", "Packet"]


class FakeKernel:
    """The table with its elements."""

    def __init__(self, desired: Desired) -> None:
        self.sets: dict[str, SetSpec] = dict(desired.sets)
        self.chains: dict[str, Chain] = dict(desired.chains)
        self.elements = {name: dict(desired.elements.get(name, {})) for name in desired.sets}
        self.counters = dict.fromkeys(desired.counters, 0)

    def put(self, name: str, key: bytes, chain: str = "") -> None:
        assert name in self.sets
        assert not chain or chain in self.chains
        self.elements[name][key] = chain

    def apply(self, changes: Sequence[Change]) -> None:
        """Does as the real one does, and refuses what the real one refuses."""
        for change in changes:
            self.change(change)

    def change(self, change: Change) -> None:
        if isinstance(change, AddSet):
            assert change.name not in self.sets
            self.sets[change.name] = change.spec
            self.elements[change.name] = {}
        elif isinstance(change, DeleteSet):
            assert all(f"@{change.name}" not in rule.split() for chain in self.chains.values() for rule in chain.rules)
            del self.sets[change.name], self.elements[change.name]
        elif isinstance(change, AddCounter):
            assert change.name not in self.counters
            self.counters[change.name] = 0
        elif isinstance(change, DeleteCounter):
            assert all(change.name not in rule.split() for chain in self.chains.values() for rule in chain.rules)
            del self.counters[change.name]
        elif isinstance(change, PutChain):
            self.chains[change.name] = change.chain
            self.check_references(change.chain)
        elif isinstance(change, DeleteChain):
            assert all(change.name not in rule.split() for chain in self.chains.values() for rule in chain.rules)
            assert all(change.name not in kept.values() for kept in self.elements.values())
            del self.chains[change.name]
        else:
            self.change_elements(change)

    def change_elements(self, change: AddElements | DeleteElements | ReplaceElements) -> None:
        kept = self.elements[change.set]
        if isinstance(change, DeleteElements | ReplaceElements):
            for key in change.keys:
                del kept[key]
        if isinstance(change, AddElements | ReplaceElements):
            for key, chain in change.elements:
                assert key not in kept
                assert (chain in self.chains) if self.sets[change.set].verdicts else not chain
                kept[key] = chain
        if self.sets[change.set].interval:
            self.check_disjoint(change.set)

    def check_disjoint(self, name: str) -> None:
        """A prefix inside a prefix is EEXIST."""
        spans = sorted((key[: len(key) // 2], key[len(key) // 2 :]) for key in self.elements[name])
        assert all(first <= last for first, last in spans)
        assert all(before[1] < after[0] for before, after in pairwise(spans)), name

    def check_references(self, chain: Chain) -> None:
        for rule in chain.rules:
            for verb, _, operand in statements_of(rule):
                if verb in ("goto", "jump"):
                    assert operand in self.chains, rule
                elif verb == "counter":
                    assert operand in self.counters, rule
                elif verb in ("vmap", "update", "delete") or verb.endswith(" in"):
                    assert operand in self.sets, rule

    def forward(self, packet: Packet) -> str:
        """What becomes of a packet that comes in and would be forwarded."""
        verdict = self.run("ingress", packet)
        if verdict == DIVERT:
            return DIVERT
        verdict = self.run("forward", packet)
        return PASS if verdict in ("accept", "return", "") else verdict

    def run(self, chain: str, packet: Packet) -> str:
        """The verdict of a chain, empty where its end was reached."""
        for rule in self.chains[chain].rules:
            verdict = self.run_rule(rule, packet)
            if verdict:
                return "" if verdict == "return" else verdict
        return ""

    def run_rule(self, rule: str, packet: Packet) -> str:
        diverted = False
        for verb, fields, operand in statements_of(rule):
            if verb == "counter":
                self.counters[operand] += 1
            elif verb == "mark":
                diverted = True
            elif verb in ("drop", "reject", "return"):
                return verb
            elif verb == "accept":
                return DIVERT if diverted else verb
            elif verb == "goto":
                return self.run(operand, packet) or "return"
            elif verb == "jump":
                verdict = self.run(operand, packet)
                if verdict:
                    return verdict
            elif verb == "vmap":
                chain = self.look_up(operand, fields, packet)
                if chain:
                    return self.run(chain, packet) or "return"
            elif verb in ("update", "delete"):
                self.alter(verb, operand, fields, packet)
            elif not self.matches(verb, fields, operand, packet):
                return ""
        return ""

    def matches(self, verb: str, fields: tuple[str, ...], operand: str, packet: Packet) -> bool:
        if verb == "notrack":
            return True
        value = self.value(fields, packet)
        if value is None:
            return False
        if verb == "flag":
            return bool(value[0] & FLAGS[operand])
        if verb.endswith(" in"):
            return (self.look_up(operand, fields, packet) is not None) == (verb == "is in")
        if "/" in operand:
            return (ip_address(value) in ip_network(operand)) == (verb == "is")
        return (value in choices_of(fields[0], operand)) == (verb == "is")

    def value(self, fields: tuple[str, ...], packet: Packet) -> bytes | None:
        if fields not in packet.values:
            parts = [FIELDS[name](packet) for name in fields]
            known = [part for part in parts if part is not None]
            packet.values[fields] = b"".join(known) if len(known) == len(parts) else None
        return packet.values[fields]

    def look_up(self, name: str, fields: tuple[str, ...], packet: Packet) -> str | None:
        value = self.value(fields, packet)
        kept = self.elements[name]
        if value is None:
            return None
        if not self.sets[name].interval:
            return kept.get(value)
        half = len(value)
        return next((chain for key, chain in kept.items() if key[:half] <= value <= key[half:]), None)

    def alter(self, verb: str, name: str, fields: tuple[str, ...], packet: Packet) -> None:
        assert self.sets[name].dynamic
        value = self.value(fields, packet)
        if value is not None and verb == "update":
            self.elements[name][value] = ""
        elif value is not None:
            self.elements[name].pop(value, None)
