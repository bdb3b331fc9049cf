"""The names under which addresses are used, to decide whether an address belongs to one vendor alone.

The name in a ClientHello counts once the server has answered the ClientHello. With ECH the visible name may be
arbitrary, so it is only a hint.
"""

from dataclasses import dataclass
from typing import Final, final

from monitor.attribution.answer_cache import NameBinding
from monitor.attribution.flows import CLOSED, ESTABLISHED, QUIC_HELLO, RESET, TLS_HELLO, Flow
from monitor.attribution.sni_claims import SniClaim, SniClaims
from monitor.core.effects import NameSeen
from monitor.core.reporter import Reporter
from monitor.model import KEY_V4, PROTOCOL_TCP, DnsMessage
from monitor.wire.dns.addresses import record_address

WAITING_MAX: Final = 4_096
# Conntrack's counters arrive every few seconds, under load every twenty seconds.
WAIT_SECONDS: Final = 60.0
# Minimum time between two reports of the same name at the same address.
HINT_SECONDS: Final = 1.0
HINTS_MAX: Final = 4_096

# The largest packets without payload: IP header and TCP header with all options that a server sends, or UDP header.
EMPTY_TCP_V4: Final = 60
EMPTY_TCP_V6: Final = 80
EMPTY_DATAGRAM: Final = 48


@dataclass(frozen=True)
class NameClaims:
    """The names of one address: those in DNS answers to devices, and those in ClientHellos of devices."""

    answered: list[NameBinding]
    said: list[SniClaim]

    def dated(self, now: float) -> list[tuple[float, bytes]]:
        """Returns each name with the time when it was last seen; of DNS answers only those valid at `now`."""
        found = [(claim.last, claim.name) for claim in self.answered if claim.until > now]
        return found + [(said.last, said.name) for said in self.said]


@final
class PendingHello:
    """A ClientHello that the server has not answered yet."""

    __slots__ = ("address", "flow", "groups", "said", "since")

    def __init__(self, flow: Flow, said: SniClaim, address: bytes, groups: tuple[str, ...], since: float) -> None:
        self.flow = flow
        self.said = said
        self.address = address
        self.groups = groups
        self.since = since


@final
class AnsweredHellos:
    """Reports (`NameSeen`) names at the addresses of `learned`, which the kernel bans because of trusted answers."""

    __slots__ = ("_hints", "_reporter", "_waiting", "evictions", "learned", "sayings")

    def __init__(self, reporter: Reporter, limit: int) -> None:
        self._reporter = reporter
        self._hints: dict[bytes, float] = {}
        self._waiting: dict[bytes, PendingHello] = {}
        self.evictions = 0
        self.learned: frozenset[bytes] = frozenset()
        self.sayings = SniClaims(limit)

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that intervals keep their length."""
        self.sayings.step(seconds)
        for waiting in self._waiting.values():
            waiting.since += seconds
        for key in self._hints:
            self._hints[key] += seconds

    def hello(self, flow: Flow, groups: tuple[str, ...], now: float) -> None:
        """Records a name that a device of these groups sent to a remote address."""
        remote = flow.remote
        if remote is None or remote.local or not flow.host or not flow.outbound:
            return
        said = self.sayings.say(remote.address, flow.host, now)
        self._hint(remote.address, flow.host, now)
        is_killed = flow.watch is not None and flow.watch.killed
        if flow.ech or is_killed or flow.hello not in (TLS_HELLO, QUIC_HELLO):
            return
        self._waiting[flow.key] = PendingHello(flow, said, remote.address, groups, now)
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
            self.evictions += 1

    def answer(self, message: DnsMessage) -> None:
        """Reports the name at each learned address in a DNS answer to a device."""
        for record in message.answers:
            address = record_address(message, record)
            if address:
                self._hint(address, message.name, message.packet.time)

    def look(self, now: float) -> None:
        """Finds the ClientHellos that were answered since the last call. Call it about once a second."""
        over: list[bytes] = []
        for key, waiting in self._waiting.items():
            flow = waiting.flow
            if flow.returned > flow.packets_returned * empty_bytes(flow):
                waiting.said.answer(waiting.groups, now)
                if waiting.address in self.learned:
                    self._reporter.put(NameSeen(waiting.address, waiting.said.name))
                over.append(key)
            elif flow.ended or now - waiting.since > WAIT_SECONDS:
                over.append(key)
        for key in over:
            del self._waiting[key]

    def _hint(self, address: bytes, name: bytes, now: float) -> None:
        if address not in self.learned:
            return
        key = address + name
        if now - self._hints.get(key, -HINT_SECONDS) < HINT_SECONDS:
            return
        if len(self._hints) >= HINTS_MAX:
            self._hints.clear()
        self._hints[key] = now
        self._reporter.put(NameSeen(address, name))


def has_passed(flow: Flow) -> bool:
    """Whether the server has accepted the flow: its only answer is not a refusal (a reset of the first packet)."""
    if flow.connection >= 0 or flow.protocol != PROTOCOL_TCP:
        return flow.returned > 0
    if flow.state == RESET:
        return flow.packets_returned > 1
    return flow.state == ESTABLISHED or flow.state == CLOSED


def empty_bytes(flow: Flow) -> int:
    """Returns the size of the largest returned packet without payload."""
    if flow.protocol != PROTOCOL_TCP:
        return EMPTY_DATAGRAM
    return EMPTY_TCP_V4 if len(flow.key) == KEY_V4 else EMPTY_TCP_V6
