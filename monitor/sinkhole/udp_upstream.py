"""Forwards queries to upstreams over UDP, with changing ports, unpredictable ids and a deadline.

An answer is accepted only from the queried address and port, with the same id and question (RFC 5452 section 9.1).
"""

from asyncio import AbstractEventLoop
from collections.abc import Sequence
from typing import Final, final

from monitor.sinkhole.counts import CROWDED, EVICTED, FORGED, LATE, MISMATCHED, TIMEOUT, UNREACHABLE, Counts
from monitor.sinkhole.ports import ANSWER_BYTES, Port, Ports
from monitor.sinkhole.query_ids import QueryIds
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.servers import Servers
from monitor.sinkhole.settings import SinkholeLimits
from monitor.sinkhole.sockets import Behind, Peer, family_of
from monitor.sinkhole.udp_listener import Route
from monitor.wire.dns.message import HEADER
from monitor.wire.dns.query import is_answer
from monitor.wire.dns.reply import EDE_NETWORK, EDE_UNREACHABLE, error_option

BUDGET: Final = 64  # answers per turn of the event loop
_NETWORK: Final = error_option(EDE_NETWORK)
_UNREACHABLE: Final = error_option(EDE_UNREACHABLE)


@final
class _Pending:
    __slots__ = ("asked", "attempt", "deadline", "id", "port", "ports", "route", "servers")

    def __init__(self, asked: Asked, route: Route, servers: Sequence[Peer], ports: Ports) -> None:
        self.asked = asked
        self.route = route
        self.servers = servers
        self.ports = ports
        self.attempt = 0
        self.deadline = 0.0
        self.port: Port | None = None
        self.id = 0


@final
class UdpUpstream:
    """The queries in flight. The caller calls `expire` periodically; `servers` may be replaced at any time."""

    def __init__(self, loop: AbstractEventLoop, responder: Responder, servers: Servers, limits: SinkholeLimits) -> None:
        self.servers = servers
        self._loop = loop
        self._responder = responder
        self._counts: Counts = responder.counts
        self._limits = limits
        self._dice = QueryIds()
        self._own = Ports(loop, self._dice, Behind(), self._read)
        # The sockets that send from clients' addresses.
        self._ports: dict[Behind, Ports] = {}
        # Ordered by deadline: all wait equally long, and a query that is sent again moves to the end.
        self._pending: dict[_Pending, None] = {}
        self._clients: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def forward(self, asked: Asked, route: Route) -> None:
        """Forwards a query; sends its answer, or SERVFAIL, on the route."""
        now = self._loop.time()
        held = self._clients.get(asked.client, 0)
        if held >= self._limits.in_flight_per_client:
            self._counts.upstream[CROWDED] += 1
            return
        if len(self._pending) >= self._limits.in_flight:
            self._counts.upstream[EVICTED] += 1
            self._forget(next(iter(self._pending)))
        door = route.door
        servers = self.servers.candidates(route.address, door.port, door.behind.scope, now)[: self._limits.servers]
        pending = _Pending(asked, route, servers, self._ports_of(door.behind))
        self._clients[asked.client] = self._clients.get(asked.client, 0) + 1
        self._pending[pending] = None
        self._ask(pending, now, _NETWORK)

    def expire(self, now: float) -> None:
        """Sends overdue queries to their next server, or answers SERVFAIL if none is left."""
        while self._pending:
            pending = next(iter(self._pending))
            if pending.deadline > now:
                break
            self._counts.upstream[TIMEOUT] += 1
            self._next(pending, now, _UNREACHABLE)
        self._own.sweep()
        for ports in self._ports.values():
            ports.sweep()

    def leave(self, behind: Behind) -> None:
        """Drops the queries of a closed door."""
        ports = self._ports.pop(behind, None)
        if ports is not None:
            for pending in [pending for pending in self._pending if pending.ports is ports]:
                self._forget(pending)
            ports.close()

    def close(self) -> None:
        for ports in [self._own, *self._ports.values()]:
            ports.close()
        self._ports = {}
        self._pending.clear()
        self._clients.clear()

    def _ask(self, pending: _Pending, now: float, option: bytes) -> None:
        """Sends the query to its current server, or to the next ones if sending fails."""
        while pending.attempt < len(pending.servers):
            server = pending.servers[pending.attempt]
            try:
                self._send(pending, server, now)
                return
            except OSError:
                self._detach(pending)
                self._counts.upstream[UNREACHABLE] += 1
                self.servers.failed(server, now)
                pending.attempt += 1
        self._forget(pending)
        pending.route.reply(self._responder.fail(pending.asked, option))

    def _send(self, pending: _Pending, server: Peer, now: float) -> None:
        ports = pending.ports
        port = ports.pick(family_of(server[0]))
        number = self._dice.free_id(port.waiting)
        port.waiting[number] = pending
        pending.port = port
        pending.id = number
        wait = self._limits.asked_seconds if self.servers.is_asked else self._limits.server_seconds
        pending.deadline = now + wait
        data = bytes((number >> 8, number & 255)) + pending.asked.query.data[2:]
        if ports is self._own:
            port.socket.sendto(data, server)
        else:
            port.socket.sendmsg((data,), ports.controls(pending.asked.client), 0, server)

    def _ports_of(self, behind: Behind) -> Ports:
        """Returns sockets with the client's address for the resolver that the client chose, else with this host's."""
        if behind.make is None or not self.servers.is_asked:
            return self._own
        ports = self._ports.get(behind)
        if ports is None:
            ports = self._ports[behind] = Ports(self._loop, self._dice, behind, self._read_as_clients)
        return ports

    def _read(self, port: Port) -> None:
        receive = port.socket.recvfrom
        for _ in range(BUDGET):
            try:
                data, peer = receive(ANSWER_BYTES)
            except OSError:
                return
            self._take(port, data, peer, b"")

    def _read_as_clients(self, port: Port) -> None:
        """Reads answers on sockets that serve several clients' addresses: each must match the client that asked."""
        for _ in range(BUDGET):
            try:
                data, peer, client = port.receive()
            except OSError:
                return
            self._take(port, data, peer, client)

    def _take(self, port: Port, data: bytes, peer: Peer, client: bytes) -> None:
        counts = self._counts.upstream
        if len(data) < HEADER:
            counts[MISMATCHED] += 1
            return
        pending = port.waiting.get(data[0] << 8 | data[1])
        if not isinstance(pending, _Pending):
            counts[LATE] += 1
            return
        server = pending.servers[pending.attempt]
        if (
            peer[1] != server[1]
            or peer[0].partition("%")[0] != server[0]
            or (client and client != pending.asked.client)
        ):
            counts[FORGED] += 1
        elif not is_answer(pending.asked.query, data):
            counts[MISMATCHED] += 1
        else:
            self._forget(pending)
            self.servers.answered(server)
            pending.route.reply(self._responder.settle(pending.asked, data))

    def _next(self, pending: _Pending, now: float, option: bytes) -> None:
        self.servers.failed(pending.servers[pending.attempt], now)
        self._detach(pending)
        del self._pending[pending]
        self._pending[pending] = None
        pending.attempt += 1
        self._ask(pending, now, option)

    def _detach(self, pending: _Pending) -> None:
        """Frees the query's id; an answer that arrives afterwards counts as late."""
        if pending.port is not None:
            pending.port.waiting.pop(pending.id, None)
            pending.port = None

    def _forget(self, pending: _Pending) -> None:
        self._detach(pending)
        self._pending.pop(pending, None)
        held = self._clients.get(pending.asked.client, 0) - 1
        if held > 0:
            self._clients[pending.asked.client] = held
        else:
            self._clients.pop(pending.asked.client, None)
