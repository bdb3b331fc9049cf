"""Converts conntrack's connections to flows. Conntrack's counters are absolute, its keys precede NAT."""

from typing import Final, final

from monitor.attribution.client_side import DNS_PORT, WELL_KNOWN
from monitor.attribution.flows import Flow, may_say_hello
from monitor.core.flow.endpoints import Endpoints
from monitor.core.flow.tracking import TIMEOUT, Tracking
from monitor.model import (
    FLOW_END,
    FLOW_NEW,
    FLOW_UPDATE,
    FlowCount,
    key_destination_port,
    key_protocol,
    key_source,
    key_source_port,
    reverse_key,
)

# A connection that conntrack first reports within this time after the start is older than the gateway's observation.
STARTUP_SECONDS: Final = 30.0
# A dump's datagram may wait in one socket while the end event of one of its connections arrives on the other socket.
ENDED_MAX: Final = 32_768


@final
class Connections:
    """Updates flows from conntrack's counters. `started` is the time when observation began.

    `own_port` is the source port of the gateway's own queries, which belong to no device, whatever their source
    address.
    """

    __slots__ = ("_ended", "_ended_before", "_ends", "_started", "_tracking", "own_port")

    def __init__(self, tracking: Tracking, ends: Endpoints, started: float) -> None:
        self._tracking = tracking
        self._ends = ends
        self._started = started
        self.own_port = 0
        # The ids of recently ended connections, as a newer and an older half.
        self._ended: set[int] = set()
        self._ended_before: set[int] = set()

    def count(self, count: FlowCount) -> None:
        """Copies conntrack's absolute counters of a connection to its flow."""
        if (
            self.own_port
            and key_source_port(count.key) == self.own_port
            and key_destination_port(count.key) == DNS_PORT
        ):
            return
        if count.state == FLOW_END:
            self._remember_end(count.id)
        if self._is_turned(count):
            count = turned(count)
        key, back = self._inside_keys(count)
        table = self._tracking.table
        flow = table.find(key)
        if flow is not None and flow.connection not in (-1, count.id):
            self._tracking.end(flow, TIMEOUT)
            flow = None
        if flow is None:
            if count.state == FLOW_UPDATE and (count.id in self._ended or count.id in self._ended_before):
                return
            if count.state != FLOW_NEW and len(table.forward) >= table.limit:
                # The connection was evicted before or is unknown: adding it would evict a flow that is being counted.
                return
            flow = self._open_connection(count, key, back)
        elif flow.key != key:
            table.turn_round(flow)
        flow.connection = count.id
        flow.sent = max(flow.sent, count.bytes_sent)
        flow.returned = max(flow.returned, count.bytes_reply)
        flow.packets_sent = max(flow.packets_sent, count.packets_sent)
        flow.packets_returned = max(flow.packets_returned, count.packets_reply)
        flow.last = max(flow.last, count.time)
        self._tracking.touch(flow)
        if count.state == FLOW_END:
            self._tracking.end(flow, TIMEOUT)

    def step(self, seconds: float) -> None:
        """Shifts the start time after a clock step."""
        self._started += seconds

    def _remember_end(self, connection: int) -> None:
        if len(self._ended) >= ENDED_MAX:
            self._ended_before = self._ended
            self._ended = set()
        self._ended.add(connection)

    def _open_connection(self, count: FlowCount, key: bytes, back: bytes) -> Flow:
        flow = Flow(key, back, key_protocol(key), key_destination_port(key), count.time)
        flow.connection = count.id
        if count.state != FLOW_NEW and (count.time < self._started + STARTUP_SECONDS or self._tracking.table.evictions):
            # Its earlier bytes have no known time, or were counted before the flow was evicted: count only later bytes.
            flow.midstream = True
            flow.sent = flow.counted_sent = count.bytes_sent
            flow.returned = flow.counted_returned = count.bytes_reply
        self._ends.find(flow, None, count.time)
        flow.settled = not may_say_hello(flow)
        if flow.port == DNS_PORT:
            flow.application = "dns"
        self._tracking.add(flow)
        return flow

    def _is_turned(self, count: FlowCount) -> bool:
        """Whether conntrack has client and server swapped: it picked up the connection midstream with a server's
        packet.

        This happens after a conntrack entry was deleted, by an expired kill or by an administrator. A server never
        opens a connection from a well-known port to a port that is not well-known.
        """
        key = count.key
        if key_source_port(key) >= WELL_KNOWN or key_destination_port(key) < WELL_KNOWN:
            return False
        return not self._ends.is_local(key_source(key)) and self._ends.is_local(key_source(count.reply))

    def _inside_keys(self, count: FlowCount) -> tuple[bytes, bytes]:
        """Returns the keys of both directions as packets on the LAN side have them, client to server first.

        The original direction has the client's own address and the address that it contacted. For an inbound connection
        to a forwarded port, the reply direction has the server's own address.
        """
        if not self._ends.is_local(key_source(count.key)) and self._ends.is_local(key_source(count.reply)):
            return reverse_key(count.reply), count.reply
        return count.key, reverse_key(count.key)


def turned(count: FlowCount) -> FlowCount:
    """Returns the same connection with client and server swapped."""
    other = FlowCount(count.time, count.state, count.id, count.reply, count.key)
    other.packets_sent, other.packets_reply = count.packets_reply, count.packets_sent
    other.bytes_sent, other.bytes_reply = count.bytes_reply, count.bytes_sent
    return other
