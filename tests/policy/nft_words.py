"""The words of nft rules as tests read them, without the code that wrote them, and the packets that rules look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address

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
