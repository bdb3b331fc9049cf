"""Assigns packets to flows: opens flows, counts their bytes, swaps their ends, and ends them."""

from itertools import islice
from typing import Final, final

from mypy_extensions import i64

from monitor.attribution.flow_table import FlowTable
from monitor.attribution.flows import CLOSED, ESTABLISHED, NO_HELLO, OPENING, RESET, Flow, may_say_hello
from monitor.attribution.migrations import Migrations
from monitor.core.books.accounting import HOLD_SECONDS, Accounting
from monitor.core.flow.endpoints import Endpoints
from monitor.core.reporter import Reporter
from monitor.model import (
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    FlowRecord,
    Packet,
    key_destination_port,
    key_protocol,
    reverse_key,
)
from monitor.wire.tcp.handshake import HALF_OF_SEQUENCES, SEQUENCE_MASK
from monitor.wire.tcp.readings import vlan_bytes

TURNING_FLAGS: Final = TCP_FIN | TCP_SYN | TCP_RST
BOTH_FINS: Final = 3

FIN: Final = "fin"
RST: Final = "rst"
TIMEOUT: Final = "timeout"
EVICTED: Final = "evicted"
KILLED: Final = "killed"


@final
class Tracking:
    """Keeps the flow table and the list of flows with uncounted bytes."""

    __slots__ = (
        "_accounting", "_dirty", "_ends", "_last_flow", "_last_packet", "_packets", "_reporter", "migrations", "table",
    )  # fmt: skip

    def __init__(
        self, table: FlowTable, migrations: Migrations, accounting: Accounting, ends: Endpoints, reporter: Reporter,
        packets: bool,
    ) -> None:  # fmt: skip
        self.table = table
        self.migrations = migrations
        self._packets = packets
        self._accounting = accounting
        self._ends = ends
        self._reporter = reporter
        self._dirty: list[Flow] = []
        self._last_packet: Packet | None = None
        self._last_flow: Flow | None = None

    def count_packet(self, packet: Packet) -> None:
        """Adds the packet's bytes to its flow."""
        key = packet.key
        if packet.vlan:
            key = key + vlan_bytes(packet.vlan)
        table = self.table
        is_forward = True
        flow = table.forward.get(key)
        if flow is None:
            flow = table.backward.get(key)
            is_forward = flow is None
            if flow is None and (table.tagged or packet.vlan):
                flow = table.find_on_other_tag(packet.key, vlan_bytes(packet.vlan) if packet.vlan else b"")
                is_forward = flow is None or flow.key == packet.key
        if flow is not None and flow.state >= CLOSED and packet.flags & (TCP_SYN | TCP_ACK) == TCP_SYN:
            # The ports are reused by a new connection (RFC 9293 section 3.6.1).
            self.end(flow, TIMEOUT)
            flow = None
            is_forward = True
        if flow is None:
            flow = self._open(packet)
            is_forward = flow.key == packet.key
        if packet.flags & TURNING_FLAGS:
            if flow.again >= 0 and not is_forward:
                flow = self._open_again(flow, packet)
            self._turn_state(flow, packet, is_forward)
        if packet.payload > 0 and packet.flags:
            self._go_on(flow, packet, is_forward)
        if is_forward:
            flow.sent += packet.share
            flow.packets_sent += 1
        else:
            flow.returned += packet.share
            flow.packets_returned += 1
            if flow.state == OPENING and not packet.flags & TCP_RST:
                flow.state = ESTABLISHED
        if packet.time > flow.last:
            flow.last = packet.time
        flow.number = packet.number
        if not flow.dirty:
            flow.dirty = True
            self._dirty.append(flow)
        self._last_packet = packet
        self._last_flow = flow

    def flow_of(self, packet: Packet) -> Flow | None:
        """Returns the packet's flow; None if it is not counted yet, or for tunnelled packets in conntrack mode."""
        if packet is self._last_packet:
            return self._last_flow
        if self._packets:
            return self.table.find(packet.key + vlan_bytes(packet.vlan) if packet.vlan else packet.key)
        return self.table.find(packet.key) if packet.depth == 0 else None

    def flow_for(self, packet: Packet) -> Flow | None:
        """As `flow_of`, but opens the flow if conntrack has not reported it yet. Conntrack counts its bytes later."""
        flow = self.flow_of(packet)
        return self._open(packet) if flow is None and packet.depth == 0 else flow

    def loose_flow(self, packet: Packet) -> Flow:
        """Returns a flow for a hello inside a tunnel: it has endpoints, but no bytes, and is in no table."""
        key = packet.key
        flow = Flow(key, reverse_key(key), key_protocol(key), key_destination_port(key), packet.time)
        self._ends.find(flow, packet, packet.time)
        return flow

    def turn_round(self, flow: Flow, packet: Packet) -> None:
        """Swaps the flow's ends after a hello came from the end that was taken for the server."""
        self.table.turn_round(flow)
        self._ends.find(flow, packet, packet.time)

    def touch(self, flow: Flow) -> None:
        """Marks the flow as having uncounted bytes."""
        if not flow.dirty:
            flow.dirty = True
            self._dirty.append(flow)

    def flush(self, now: float) -> None:
        """Counts the bytes of each dirty flow that is settled or has waited for `HOLD_SECONDS`."""
        waiting: list[Flow] = []
        for flow in self._dirty:
            if flow.ended:
                continue  # `end` has already counted its bytes
            if flow.settled or now - flow.start >= HOLD_SECONDS:  # its name is known, or no longer awaited
                flow.dirty = False
                self._accounting.flush(flow, now)
            else:  # a hello may still name it: its bytes wait for that attribution
                waiting.append(flow)
        self._dirty = waiting

    def pending_bytes(self) -> int:
        """Returns the number of bytes that were seen and are in no counter yet."""
        total = 0
        for flow in self._dirty:
            if not flow.ended:
                total += flow.sent + flow.returned - flow.counted_sent - flow.counted_returned
        return total

    def expire(self, now: float) -> None:
        self.migrations.expire(now)
        for flow in self.table.turn(now):
            self.end(flow, TIMEOUT)

    def close(self, reason: str) -> None:
        for flow in list(self.table.forward.values()):
            self.end(flow, reason)
        self._dirty = []

    def end(self, flow: Flow, reason: str) -> None:
        """Counts the remaining bytes, removes the flow from the table and reports it."""
        now = flow.last
        if flow.dirty or not flow.counted:
            self._accounting.flush(flow, now)
        self.table.remove(flow)
        if not self._reporter.flow:
            return
        if flow.watch is not None and flow.watch.killed:
            reason = KILLED
        elif flow.state == RESET:
            reason = RST
        elif flow.state == CLOSED or flow.fins:
            reason = FIN
        record = FlowRecord(flow.key, flow.start, flow.last, reason)
        record.application = flow.application
        record.packets_to_server = flow.packets_sent
        record.packets_to_client = flow.packets_returned
        record.bytes_to_server = flow.sent
        record.bytes_to_client = flow.returned
        record.number = flow.number
        record.decoy = flow.decoy
        device = flow.device
        group = self._accounting.group_of(device) if device is not None else ""
        self._reporter.report(now, record, device, group, self._accounting.attribution_of(flow, now))

    def _open(self, packet: Packet) -> Flow:
        """Opens the flow of a packet that belongs to no known flow. Does not count the packet's bytes."""
        key = packet.key
        protocol = key_protocol(key)
        if self._ends.sender_is_client(packet, self._accounting.attributor.memory):
            back = reverse_key(key)
        else:
            back = key
            key = reverse_key(key)
        flow = Flow(key, back, protocol, key_destination_port(key), packet.time)
        if self._packets and packet.vlan:
            flow.tag = flow.back_tag = vlan_bytes(packet.vlan)
        if protocol == PROTOCOL_TCP:
            flow.midstream = packet.flags & TCP_SYN == 0
            if flow.midstream:
                flow.state = ESTABLISHED
            elif not packet.flags & TCP_ACK:
                flow.initial = packet.sequence
        self._ends.find(flow, packet, packet.time)
        flow.settled = not may_say_hello(flow)
        self.add(flow)
        if packet.opening:
            # The packet opens a new connection, even if its ports were used before: it inherits no name.
            flow.inherited = flow.host = b""
            flow.hello = NO_HELLO
        return flow

    def _open_again(self, flow: Flow, packet: Packet) -> Flow:
        """Replaces the flow if the server answers a later SYN: a new connection reuses the ports.

        Without that answer, a SYN within a connection is ignored (RFC 5961 section 4.2).
        """
        length, initial = flow.again_length, flow.again
        flow.again = -1
        if packet.flags & (TCP_SYN | TCP_ACK) != TCP_SYN | TCP_ACK:
            return flow
        if packet.acknowledgment != (initial + 1) & SEQUENCE_MASK:
            return flow
        moved = flow.sent - flow.counted_sent >= length
        if moved:
            flow.sent -= length
            flow.packets_sent -= 1
        self.end(flow, TIMEOUT)
        opened = Flow(flow.key, flow.back, flow.protocol, flow.port, packet.time)
        opened.tag, opened.back_tag = flow.tag, flow.back_tag
        opened.initial = initial
        opened.next_sent = initial + 1
        opened.sent = length if moved else 0
        opened.packets_sent = 1 if moved else 0
        self._ends.find(opened, packet, packet.time)
        opened.settled = not may_say_hello(opened)
        self.add(opened)
        return opened

    def add(self, flow: Flow) -> None:
        """Adds a new flow to the table, after making room if the table is full."""
        flow.epoch = self._accounting.epoch
        table = self.table
        if len(table.forward) >= table.limit:
            self._make_room()
        table.add(flow)
        if flow.protocol == PROTOCOL_UDP and not flow.settled:
            self.migrations.inherit(flow)

    def _make_room(self) -> None:
        """Ends several flows at once, so that a flood does not cause a search for the oldest flow per new flow."""
        table = self.table
        count = max(1, table.limit // 256)
        chosen = table.oldest(count) or list(islice(table.forward.values(), count))
        for flow in chosen:
            self.end(flow, EVICTED)
            table.evictions += 1

    def _go_on(self, flow: Flow, packet: Packet, is_forward: bool) -> None:
        """Advances the next expected sequence number after a segment with data."""
        if flow.state == RESET:
            # The flow continues: the reset was not valid (RFC 5961 section 3.2).
            flow.state = ESTABLISHED
            self.table.schedule(flow)
        ends: i64 = packet.sequence + packet.payload
        last: i64 = flow.next_sent if is_forward else flow.next_returned
        if ends <= last and last - ends < HALF_OF_SEQUENCES:
            return
        if is_forward:
            flow.next_sent = ends
        else:
            flow.next_returned = ends

    def _turn_state(self, flow: Flow, packet: Packet, is_forward: bool) -> None:
        flags = packet.flags
        if flags & TCP_SYN:
            if is_forward and not flags & TCP_ACK and flow.initial != packet.sequence:
                flow.again = packet.sequence
                flow.again_length = packet.share
        elif flags & TCP_RST:
            # RFC 5961 section 3.2: a reset is valid only with the next expected sequence number.
            expected = flow.next_sent if is_forward else flow.next_returned
            if expected < 0 or (packet.sequence - expected + 1) & SEQUENCE_MASK <= 2:
                flow.state = RESET
        elif flags & TCP_FIN and flow.state < CLOSED:
            flow.fins |= 1 if is_forward else 2
            if flow.fins == BOTH_FINS:
                flow.state = CLOSED
        if flow.state >= CLOSED:
            self.table.schedule(flow)
