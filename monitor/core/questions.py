"""Questions and answers: who asks for whom, how fast answers come, and what they teach."""

from typing import Final, final

from monitor.attribution.answers import follow, known_alias, learn
from monitor.attribution.counters import Attribution, Cell
from monitor.attribution.devices import Device
from monitor.attribution.evidence import Attributor
from monitor.core.accounting import Accounting
from monitor.core.reporter import Reporter
from monitor.model import DNS as DNS_SERVICE
from monitor.model import DnsMessage, Histogram

ALLOWED: Final = "allowed"

RESPONSE_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# A resolver that has not answered by now never will (RFC 1035 section 4.2.1 asks for 5 seconds between tries).
WAIT_SECONDS: Final = 10.0

FLAG_RESPONSE: Final = 0x8000
OPCODE_MASK: Final = 0x7800
NO_ERROR: Final = 0

# RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6891 section 9, RFC 7873 section 8.
RCODES: Final = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
OTHER_RCODE: Final = "other"


@final
class Pending:
    """Questions that wait for their answer: key of the direction and id to the time, at most `limit`.

    In two generations; what leaves before it had `WAIT_SECONDS` was evicted, what leaves later was never answered.
    """

    __slots__ = ("_limit", "_old", "_since", "_young", "evictions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[bytes, float] = {}
        self._old: dict[bytes, float] = {}
        self._since = 0.0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def ask(self, key: bytes, now: float) -> None:
        """A question again is the same question: its first time counts."""
        if now - self._since > WAIT_SECONDS or len(self._young) * 2 >= self._limit:
            self._turn(now)
        if key not in self._young:
            self._young[key] = now

    def answer(self, key: bytes) -> float:
        """When the question was asked, negative where nobody saw it."""
        asked = self._young.pop(key, -1.0)
        return asked if asked >= 0.0 else self._old.pop(key, -1.0)

    def resize(self, limit: int) -> None:
        self._limit = limit

    def _turn(self, now: float) -> None:
        if now - self._since <= WAIT_SECONDS:
            self.evictions += len(self._old)
        self._old = self._young
        self._young = {}
        self._since = now


@final
class Questions:
    """Takes DNS messages of one device each."""

    __slots__ = ("_accounting", "_attributor", "_reporter", "pending", "rcodes", "seconds")

    def __init__(self, accounting: Accounting, reporter: Reporter, limit: int) -> None:
        self._accounting = accounting
        self._attributor: Attributor = accounting.attributor
        self._reporter = reporter
        self.pending = Pending(limit)
        self.seconds = Histogram(RESPONSE_BOUNDS)
        self.rcodes: dict[str, Cell] = {}

    def ask(self, message: DnsMessage, device: Device, key: bytes) -> None:
        """A question of the device; `key` leads from it to the resolver."""
        group = self._accounting.group_of(device)
        if message.service == DNS_SERVICE and message.flags & OPCODE_MASK == 0:
            match = self._attributor.matches.of(message.name)
            self._accounting.ledger.queries.of(match.vendor, group, ALLOWED).value += 1
            self.pending.ask(key + message.data[message.start : message.start + 2], message.packet.time)
        if self._reporter.dns:
            self._report(message, device, group, b"")

    def answer(self, message: DnsMessage, device: Device, key: bytes) -> None:
        """An answer to the device; `key` leads from it to the resolver."""
        if message.service == DNS_SERVICE and message.flags & OPCODE_MASK == 0:
            now = message.packet.time
            self._count_rcode(message.rcode)
            asked = self.pending.answer(key + message.data[message.start : message.start + 2])
            if asked >= 0.0:
                self.seconds.add(now - asked if now > asked else 0.0)
            if message.rcode == NO_ERROR and message.answers:
                learn(message, device, self._attributor.memory, self._attributor.matches, now)
        if self._reporter.dns:
            group = self._accounting.group_of(device)
            alias = known_alias(follow(message, message.name), self._attributor.matches) if message.answers else b""
            self._report(message, device, group, alias)

    def _count_rcode(self, rcode: int) -> None:
        name = RCODES.get(rcode, OTHER_RCODE)
        cell = self.rcodes.get(name)
        if cell is None:
            cell = Cell()
            self.rcodes[name] = cell
        cell.value += 1

    def _report(self, message: DnsMessage, device: Device, group: str, alias: bytes) -> None:
        why: Attribution | None = None
        if message.service == DNS_SERVICE:
            why = self._attributor.of_name(message.name, alias)
        self._reporter.report(message.packet.time, message, device, group, why)


def is_response(message: DnsMessage) -> bool:
    return message.flags & FLAG_RESPONSE != 0
