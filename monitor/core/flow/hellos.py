"""Names and methods that flows reveal: ClientHello, Host header, and signs of traffic that hides names."""

from typing import Final, final

from monitor.attribution.flows import HTTP_HOST, NO_HELLO, QUIC_HELLO, TLS_HELLO, Flow
from monitor.core.books.accounting import Accounting
from monitor.core.flow.blindness import ECH, ECH_OFFERED, ECH_REAL, FAILED, UNSAID
from monitor.core.flow.endpoints import Endpoints
from monitor.core.flow.tracking import Tracking
from monitor.core.reporter import Reporter
from monitor.model import ClientHello, HttpRequest, Packet, Tunnel
from monitor.wire.dns.heuristic import UNREAD

DNS: Final = "dns"
TLS: Final = "tls"
QUIC: Final = "quic"


@final
class Hellos:
    """Assigns hellos to their flows, whichever direction of the flow was seen first."""

    __slots__ = ("_accounting", "_ends", "_reporter", "_tracking")

    def __init__(self, accounting: Accounting, tracking: Tracking, ends: Endpoints, reporter: Reporter) -> None:
        self._accounting = accounting
        self._ends = ends
        self._tracking = tracking
        self._reporter = reporter

    def take_hello(self, hello: ClientHello) -> None:
        packet = hello.packet
        flow = self._flow(packet)
        is_first = flow.hello in (NO_HELLO, HTTP_HOST)
        if hello.ech_offered and not hello.ech:
            hello.ech = self._accounting.attributor.fronts.knows(hello.sni)
        if hello.decoy:
            flow.decoy = True
        if not (hello.decoy and self._is_better_known(flow, hello.sni)):
            flow.hello = QUIC_HELLO if hello.quic else TLS_HELLO
            flow.application = "quic" if hello.quic else "tls"
            flow.ech = hello.ech
            self._name(flow, hello.sni)
            self._tracking.migrations.note(flow)
        device = flow.device
        if device is None:
            return
        group = self._accounting.group_of(device)
        attribution = self._accounting.attribution_of(flow, packet.time)
        if is_first and hello.ech_offered:
            self._accounting.ledger.ech_hello(group, ECH_REAL if hello.ech else ECH_OFFERED)
        if is_first:
            transport = QUIC if hello.quic else TLS
            self._accounting.ledger.handshakes.of(attribution.vendor, group, transport).value += 1
        if self._reporter.quic if hello.quic else self._reporter.tls:
            self._reporter.report(packet.time, hello, device, group, attribution)
        judge = self._accounting.judge
        if judge.policy is not None:
            judge.hello(flow, device, packet.acknowledgment, packet.time)
            judge.usage.hello(flow, device.groups, packet.time)
            if is_first and judge.is_hidden(flow, device, attribution):
                self._accounting.ledger.bypass(group, ECH)

    def take_host(self, request: HttpRequest) -> None:
        flow = self._flow(request.packet)
        if request.decoy:
            flow.decoy = True
            if self._is_better_known(flow, request.host):
                return
        elif flow.hello not in (NO_HELLO, HTTP_HOST):
            return
        if flow.hello == NO_HELLO or flow.host != request.host:
            flow.hello = HTTP_HOST
            flow.application = "http"
            self._name(flow, request.host)
            self._judge(flow, request.packet)

    def take_tunnel(self, tunnel: Tunnel) -> None:
        flow = self._flow_either_way(tunnel.packet)
        if tunnel.method == UNREAD:
            # One undecodable message does not change the application of a flow that has carried DNS queries.
            if flow.application == UNSAID or (flow.application == DNS and flow.asked == 0.0):
                flow.application = FAILED
                flow.tally = None
        elif not flow.method:
            flow.method = tunnel.method
            flow.tally = None
            self._judge(flow, tunnel.packet)

    def _is_better_known(self, flow: Flow, name: bytes) -> bool:
        """Whether the flow keeps its present name although `name` was seen later: only the present name is listed."""
        matches = self._accounting.attributor.matches
        return bool(flow.host) and matches.of(name).entry is None and matches.of(flow.host).entry is not None

    def _judge(self, flow: Flow, packet: Packet) -> None:
        judge = self._accounting.judge
        device = flow.device
        if judge.policy is not None and device is not None:
            self._accounting.group_of(device)
            self._accounting.attribution_of(flow, packet.time)
            judge.hello(flow, device, packet.acknowledgment, packet.time)
            judge.usage.hello(flow, device.groups, packet.time)

    def _flow(self, packet: Packet) -> Flow:
        """Returns the flow whose client sent the packet."""
        flow = self._flow_either_way(packet)
        if flow.key != packet.key and flow.back == packet.key:
            self._tracking.turn_round(flow, packet)
            self._ends.meet(flow, packet)
        return flow

    def _flow_either_way(self, packet: Packet) -> Flow:
        """Returns the flow of the packet, whose sender may be the server."""
        flow = self._tracking.flow_for(packet)
        if flow is None:
            return self._tracking.loose_flow(packet)
        self._ends.meet(flow, packet)
        return flow

    def _name(self, flow: Flow, host: bytes) -> None:
        """Sets the flow's name, so that the flow is attributed again at the next flush."""
        flow.host = host
        flow.settled = True
        flow.claim = None
        flow.attribution = None
        flow.tally = None
