"""Conntrack's connections to flows: its counters are absolute, and its keys are from before the translation."""

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

# What conntrack tells of unknown connections so soon after the start is older than we are.
STARTUP_SECONDS: Final = 30.0
# A dump's datagram may wait in its socket while the end of a connection in it comes over the other one.
ENDED_MAX: Final = 32_768


@final
class Connections:
    """Keeps flows at what conntrack says. `started` is when the gateway began to watch.

    `own_port` is the source port of queries that are no device's, whatever address they have.
    """

    __slots__ = ("_ended", "_ended_before", "_ends", "_started", "_tracking", "own_port")

    def __init__(self, tracking: Tracking, ends: Endpoints, started: float) -> None:
        self._tracking = tracking
        self._ends = ends
        self._started = started
        self.own_port = 0
        # The ids of connections that have ended lately, the newer and the older half of them.
        self._ended: set[int] = set()
        self._ended_before: set[int] = set()

    def count(self, count: FlowCount) -> None:
        """Takes over what conntrack has counted of a connection since its start."""
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
                # Evicted before, or never heard of: to take it up would push out a flow that is being counted.
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
        """The clock was set."""
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
            # What it carried before, nobody knows when, or we counted it already and forgot the flow.
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
        """Whether conntrack took up the connection in its middle, and the server's packet was the first it met.

        So it is after an entry was deleted, by a cut that is over or by an administrator. Nothing comes in from a
        well-known port to another one by itself.
        """
        key = count.key
        if key_source_port(key) >= WELL_KNOWN or key_destination_port(key) < WELL_KNOWN:
            return False
        return not self._ends.is_local(key_source(key)) and self._ends.is_local(key_source(count.reply))

    def _inside_keys(self, count: FlowCount) -> tuple[bytes, bytes]:
        """The keys of both directions as packets on the LAN side have them, client to server first.

        The original direction has the client's own address and the one that it asked for. Of a connection that came in
        to a forwarded port, the reply direction has the server's.
        """
        if not self._ends.is_local(key_source(count.key)) and self._ends.is_local(key_source(count.reply)):
            return reverse_key(count.reply), count.reply
        return count.key, reverse_key(count.key)


def turned(count: FlowCount) -> FlowCount:
    """The same connection with its client first."""
    other = FlowCount(count.time, count.state, count.id, count.reply, count.key)
    other.packets_sent, other.packets_reply = count.packets_reply, count.packets_sent
    other.bytes_sent, other.bytes_reply = count.bytes_reply, count.bytes_sent
    return other
