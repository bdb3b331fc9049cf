"""Asks upstreams over UDP: from ports that change, with ids that nobody can guess, and waits no longer than agreed.

An answer counts only from the address and port that was asked, with the id and the question (RFC 5452 section 9.1).
"""

import socket
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from typing import Final, final

from monitor.sinkhole.counts import CROWDED, EVICTED, FORGED, LATE, MISMATCHED, TIMEOUT, UNREACHABLE, Counts
from monitor.sinkhole.datagram_door import Route
from monitor.sinkhole.dice import Dice
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.servers import Servers
from monitor.sinkhole.settings import SinkholeLimits
from monitor.sinkhole.sockets import Peer, family_of
from monitor.wire.dns import HEADER
from monitor.wire.dns_answer import EDE_NETWORK, EDE_UNREACHABLE, error_option
from monitor.wire.dns_query import is_answer

SOCKETS: Final = 16  # a family
USES_MAX: Final = 512  # queries from one port
BUDGET: Final = 64  # answers before the loop comes round to everybody else
ANSWER_BYTES: Final = 65_535
BUFFER_BYTES: Final = 1_048_576
_NETWORK: Final = error_option(EDE_NETWORK)
_UNREACHABLE: Final = error_option(EDE_UNREACHABLE)


@final
class _Port:
    """One socket and what was asked from it, by id."""

    __slots__ = ("socket", "uses", "waiting")

    def __init__(self, socket: socket.socket) -> None:
        self.socket = socket
        self.uses = 0
        self.waiting: dict[int, _Pending] = {}


@final
class _Pending:
    __slots__ = ("asked", "attempt", "deadline", "id", "port", "route", "servers")

    def __init__(self, asked: Asked, route: Route, servers: Sequence[Peer]) -> None:
        self.asked = asked
        self.route = route
        self.servers = servers
        self.attempt = 0
        self.deadline = 0.0
        self.port: _Port | None = None
        self.id = 0


@final
class DatagramUpstream:
    """The queries in flight. `expire` must be called every now and then; `servers` may be replaced at any time."""

    def __init__(self, loop: AbstractEventLoop, responder: Responder, servers: Servers, limits: SinkholeLimits) -> None:
        self.servers = servers
        self._loop = loop
        self._responder = responder
        self._counts: Counts = responder.counts
        self._limits = limits
        self._dice = Dice()
        self._ports: dict[int, list[_Port]] = {socket.AF_INET: [], socket.AF_INET6: []}
        self._retired: list[_Port] = []
        # In the order of their deadlines: all wait equally long, and who is asked again goes to the end.
        self._pending: dict[_Pending, None] = {}
        self._clients: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def forward(self, asked: Asked, route: Route) -> None:
        """Passes a query on; its answer, or that there is none, goes back on the route."""
        now = self._loop.time()
        held = self._clients.get(asked.client, 0)
        if held >= self._limits.in_flight_per_client:
            self._counts.upstream[CROWDED] += 1
            return
        if len(self._pending) >= self._limits.in_flight:
            self._counts.upstream[EVICTED] += 1
            self._forget(next(iter(self._pending)))
        door = route.door
        servers = self.servers.candidates(route.address, door.port, door.scope, now)[: self._limits.servers]
        pending = _Pending(asked, route, servers)
        self._clients[asked.client] = self._clients.get(asked.client, 0) + 1
        self._pending[pending] = None
        self._ask(pending, now, _NETWORK)

    def expire(self, now: float) -> None:
        """Asks the next server for what has waited long enough, or says that nobody answers."""
        while self._pending:
            pending = next(iter(self._pending))
            if pending.deadline > now:
                break
            self._counts.upstream[TIMEOUT] += 1
            self._next(pending, now, _UNREACHABLE)
        for port in [port for port in self._retired if not port.waiting]:
            self._retired.remove(port)
            self._close(port)

    def close(self) -> None:
        for port in [*self._ports[socket.AF_INET], *self._ports[socket.AF_INET6], *self._retired]:
            self._close(port)
        self._ports = {socket.AF_INET: [], socket.AF_INET6: []}
        self._retired = []
        self._pending.clear()
        self._clients.clear()

    def _ask(self, pending: _Pending, now: float, option: bytes) -> None:
        """Sends the query to the server whose turn it is, or to the next ones where that fails at once."""
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
        port = self._port(family_of(server[0]))
        number = self._dice.free_id(port.waiting)
        port.waiting[number] = pending
        pending.port = port
        pending.id = number
        wait = self._limits.asked_seconds if self.servers.is_asked else self._limits.server_seconds
        pending.deadline = now + wait
        port.socket.sendto(bytes((number >> 8, number & 255)) + pending.asked.query.data[2:], server)

    def _port(self, family: int) -> _Port:
        """A random one of the open sockets; one that was used often is replaced."""
        ports = self._ports[family]
        index = self._dice.throw() % SOCKETS
        if index >= len(ports):
            ports.append(self._open(family))
            return ports[-1]
        port = ports[index]
        port.uses += 1
        if port.uses > USES_MAX:
            ports[index] = self._open(family)
            self._retired.append(port)
            port = ports[index]
        return port

    def _open(self, family: int) -> _Port:
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            opened.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        except OSError:
            opened.close()
            raise
        port = _Port(opened)
        self._loop.add_reader(opened.fileno(), self._read, port)
        return port

    def _close(self, port: _Port) -> None:
        self._loop.remove_reader(port.socket.fileno())
        port.socket.close()

    def _read(self, port: _Port) -> None:
        for _ in range(BUDGET):
            try:
                data, peer = port.socket.recvfrom(ANSWER_BYTES)
            except OSError:
                return
            self._take(port, data, peer)

    def _take(self, port: _Port, data: bytes, peer: Peer) -> None:
        counts = self._counts.upstream
        if len(data) < HEADER:
            counts[MISMATCHED] += 1
            return
        pending = port.waiting.get(data[0] << 8 | data[1])
        if pending is None:
            counts[LATE] += 1
            return
        server = pending.servers[pending.attempt]
        if peer[1] != server[1] or peer[0].partition("%")[0] != server[0]:
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
        """Its id may be used again: an answer that comes now is late."""
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
