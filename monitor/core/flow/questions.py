"""DNS queries and responses: counts them, measures response times, and learns names from the answers."""

from typing import Final, final

from monitor.attribution.answers import follow, known_alias, learn
from monitor.attribution.counters import Attribution
from monitor.attribution.devices import Device
from monitor.attribution.evidence import Attributor
from monitor.attribution.flows import Flow
from monitor.attribution.matches import Match
from monitor.core.books.accounting import Accounting
from monitor.core.books.answering import Pending, Rcodes, Seconds
from monitor.core.flow.blindness import FOREIGN_RESOLVER
from monitor.core.reporter import Reporter
from monitor.core.verdict.flow_judge import ALLOWED, FlowJudge
from monitor.model import DNS as DNS_SERVICE
from monitor.model import DnsMessage, key_destination

FLAG_RESPONSE: Final = 0x8000
OPCODE_MASK: Final = 0x7800
NO_ERROR: Final = 0


@final
class Questions:
    """Processes DNS messages, each with its device."""

    __slots__ = ("_accounting", "_attributor", "_judge", "_reporter", "pending", "rcodes", "seconds")

    def __init__(self, accounting: Accounting, reporter: Reporter, limit: int) -> None:
        self._accounting = accounting
        self._attributor: Attributor = accounting.attributor
        self._judge: FlowJudge = accounting.judge
        self._reporter = reporter
        self.pending = Pending(limit)
        self.seconds = Seconds()
        self.rcodes = Rcodes()

    def ask(self, message: DnsMessage, device: Device, flow: Flow | None, key: bytes) -> None:
        """Processes a query of the device; `key` leads from the device to the resolver."""
        group = self._accounting.group_of(device)
        if message.service == DNS_SERVICE and message.flags & OPCODE_MASK == 0:
            match = self._attributor.matches.of(message.name)
            if self._judge.policy is None:
                self._count_question(match, group)
            else:
                self._judge_question(message, match, device, flow, key, group)
            self._wait(message, flow, key)
        if self._reporter.dns:
            self._report(message, device, group, b"")

    def answer(self, message: DnsMessage, device: Device, flow: Flow | None, key: bytes) -> None:
        """Processes a response to the device; `key` leads from the device to the resolver."""
        if message.service == DNS_SERVICE and message.flags & OPCODE_MASK == 0:
            now = message.packet.time
            self.rcodes.add(message.rcode)
            asked = self._asked(message, flow, key)
            if asked >= 0.0:
                self.seconds.add(now - asked if now > asked else 0.0)
            if message.rcode == NO_ERROR and message.answers:
                attributor = self._attributor
                learn(message, device, attributor.memory, attributor.matches, attributor.fronts, now)
                if self._judge.usage.learned:
                    self._judge.usage.answer(message)
        if self._reporter.dns:
            group = self._accounting.group_of(device)
            alias = known_alias(follow(message, message.name), self._attributor.matches) if message.answers else b""
            self._report(message, device, group, alias)

    def _count_question(self, match: Match, group: str) -> None:
        cell = match.asked
        if cell is None or match.asked_by != group:
            cell = self._accounting.ledger.queries.of(match.vendor, group, ALLOWED)
            match.asked = cell
            match.asked_by = group
        cell.value += 1

    def _judge_question(
        self, message: DnsMessage, match: Match, device: Device, flow: Flow | None, key: bytes, group: str
    ) -> None:
        packet = message.packet
        action, verdict = self._judge.question(match, device, key, packet.time)
        self._accounting.ledger.queries.of(match.vendor, group, action).value += 1
        if self._judge.is_foreign(device, key_destination(key), packet.time):
            self._accounting.ledger.bypass(group, FOREIGN_RESOLVER)
        if verdict is not None and message.tcp and flow is not None:
            self._judge.stream_question(flow, match, device, packet.acknowledgment, packet.time)

    def _wait(self, message: DnsMessage, flow: Flow | None, key: bytes) -> None:
        """Stores the time of the query: in the flow if it has no other open query, else in the table."""
        if flow is not None and flow.question in (-1, message.id):
            if flow.question < 0:
                flow.question = message.id
                flow.asked = message.packet.time
        else:
            self.pending.ask(key + message.data[message.start : message.start + 2], message.packet.time)

    def _asked(self, message: DnsMessage, flow: Flow | None, key: bytes) -> float:
        """Returns the time of the query that this response answers, negative if the query was not seen."""
        if flow is not None and flow.question == message.id:
            flow.question = -1
            return flow.asked
        if not len(self.pending):
            return -1.0
        return self.pending.answer(key + message.data[message.start : message.start + 2])

    def _report(self, message: DnsMessage, device: Device, group: str, alias: bytes) -> None:
        why: Attribution | None = None
        if message.service == DNS_SERVICE:
            why = self._attributor.of_name(message.name, alias)
        self._reporter.report(message.packet.time, message, device, group, why)


def is_response(message: DnsMessage) -> bool:
    return message.flags & FLAG_RESPONSE != 0
