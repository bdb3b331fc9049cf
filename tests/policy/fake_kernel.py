"""A kernel that executes the rules which the policy would install, and says where a packet goes.

It reads nft's words itself and knows nothing of the code that wrote them; the tests of the real kernel ask it for the
same packets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import pairwise

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

TCP, UDP, ICMP = 6, 17, 1
SYN, ACK = 2, 16

PASS, DROP, REJECT, DIVERT = "pass", "drop", "reject", "divert"
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
FLAGS = {"syn": SYN, "ack": ACK}


@dataclass(frozen=True)
class Packet:
    """One packet to forward; ports are 0 where the protocol has none."""

    source: bytes
    destination: bytes
    mac: bytes = b""
    protocol: int = TCP
    source_port: int = 40000
    destination_port: int = 443
    flags: int = ACK
    came_in: str = "lan0"
    goes_out: str = "wan0"
    mark: int = 0
    # What `FakeKernel.value` has read from it, by fields: a packet meets many rules.
    values: dict[tuple[str, ...], bytes | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def flow(self) -> bytes:
        """The key of its direction in a set of killed flows."""
        return self.source + self.destination + port(self.source_port) + port(self.destination_port)


def port(number: int) -> bytes:
    return number.to_bytes(2, "big")


def sized(address: bytes, size: int) -> bytes | None:
    return address if len(address) == size else None


def ported(packet: Packet, protocol: int, number: int) -> bytes | None:
    return port(number) if packet.protocol == protocol else None


FIELDS: dict[str, Callable[[Packet], bytes | None]] = {
    "ether saddr": lambda packet: packet.mac or None,
    "ip saddr": lambda packet: sized(packet.source, 4),
    "ip daddr": lambda packet: sized(packet.destination, 4),
    "ip6 saddr": lambda packet: sized(packet.source, 16),
    "ip6 daddr": lambda packet: sized(packet.destination, 16),
    "tcp sport": lambda packet: ported(packet, TCP, packet.source_port),
    "tcp dport": lambda packet: ported(packet, TCP, packet.destination_port),
    "udp sport": lambda packet: ported(packet, UDP, packet.source_port),
    "udp dport": lambda packet: ported(packet, UDP, packet.destination_port),
    "th sport": lambda packet: port(packet.source_port) if packet.protocol in (TCP, UDP) else None,
    "th dport": lambda packet: port(packet.destination_port) if packet.protocol in (TCP, UDP) else None,
    "iifname": lambda packet: packet.came_in.encode(),
    "oifname": lambda packet: packet.goes_out.encode(),
    "meta mark": lambda packet: packet.mark.to_bytes(4, "big"),
    "meta nfproto": lambda packet: b"ipv4" if len(packet.source) == 4 else b"ipv6",
    "meta l4proto": lambda packet: bytes((packet.protocol,)),
    "tcp flags": lambda packet: bytes((packet.flags,)) if packet.protocol == TCP else None,
}

# A statement: what it does, the fields it looks at, its operand.
Statement = tuple[str, tuple[str, ...], str]


def literal(field: str, text: str) -> bytes:
    """A constant as the field has it."""
    if field == "meta l4proto":
        return bytes((PROTOCOLS[text],))
    if field == "meta nfproto":
        return text.encode()
    if field == "meta mark":
        return int(text, 0).to_bytes(4, "big")
    if field.endswith("port"):
        return port(int(text))
    if field.endswith("ifname"):
        return text.strip('"').encode()
    if field == "ether saddr":
        return bytes.fromhex(text.replace(":", ""))
    return ip_address(text).packed


@cache
def choices_of(field: str, text: str) -> frozenset[bytes]:
    return frozenset(literal(field, word) for word in text.split(", "))


class Reader:
    """Reads one rule, word by word; a word that it does not know is an error."""

    def __init__(self, rule: str) -> None:
        self.words = rule.split()

    def take(self) -> str:
        return self.words.pop(0)

    def braces(self) -> str:
        assert self.take() == "{"
        inside = []
        while (word := self.take()) != "}":
            inside.append(word)
        return " ".join(inside)

    def field(self) -> str:
        word = self.take()
        return word if word in FIELDS else f"{word} {self.take()}"

    def statements(self) -> list[Statement]:
        found = []
        while self.words:
            found.append(self.statement())
        return found

    def statement(self) -> Statement:
        word = self.words[0]
        if word in ("drop", "accept", "return", "notrack"):
            return (self.take(), (), "")
        if word in ("goto", "jump"):
            return (self.take(), (), self.take())
        if word == "counter":
            self.take()
            assert self.take() == "name"
            return ("counter", (), self.take())
        if word in ("update", "delete"):
            return self.dynamic()
        if word == "reject":
            self.words.clear()
            return ("reject", (), "")
        return self.match()

    def dynamic(self) -> Statement:
        verb, name = self.take(), self.take().removeprefix("@")
        return (verb, fields_of(self.braces()), name)

    def match(self) -> Statement:
        fields = [self.field()]
        while self.words[0] == ".":
            self.take()
            fields.append(self.field())
        word = self.take()
        if word == "set":
            assert fields == ["meta mark"]
            return ("mark", (), self.take())
        if word == "vmap":
            return ("vmap", tuple(fields), self.take().removeprefix("@"))
        if word == "&":
            flag, _, same = self.take(), self.take(), self.take()
            assert flag == same
            return ("flag", tuple(fields), flag)
        if word == "{":
            self.words.insert(0, "{")
            return ("is", tuple(fields), self.braces())
        kind = "is"
        if word == "!=":
            kind, word = "is not", self.take()
        if word.startswith("@"):
            return (kind + " in", tuple(fields), word[1:])
        return (kind, tuple(fields), word)


def fields_of(text: str) -> tuple[str, ...]:
    fields = tuple(text.split(" . "))
    assert all(field in FIELDS for field in fields)
    return fields


@cache
def statements_of(rule: str) -> list[Statement]:
    return Reader(rule).statements()


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
