"""The sockets of UDP queries to upstreams: a few per family, chosen at random, replaced after some hundred queries
(RFC 5452 section 9.2).

The sockets of a door send from the client's own address, in the door's network namespace: a query then traverses the
same rules as the client's own packet.
"""

import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.sinkhole.query_ids import QueryIds
from monitor.sinkhole.sockets import Behind, Control, Peer, asked_address, receive_info, sent_from

SOCKETS: Final = 16  # per family
USES_MAX: Final = 512  # queries from one port
ANSWER_BYTES: Final = 65_535
CONTROL_BYTES: Final = 64
BUFFER_BYTES: Final = 1_048_576
WILDCARDS: Final[dict[int, str]] = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


@final
class Port:
    """One socket, and the queries sent from it by id."""

    __slots__ = ("socket", "uses", "waiting")

    def __init__(self, socket: socket.socket) -> None:
        self.socket = socket
        self.uses = 0
        self.waiting: dict[int, object] = {}

    def receive(self) -> tuple[bytes, Peer, bytes]:
        """Returns a datagram, its sender and its packed destination. Raises OSError if no datagram waits."""
        data, controls, _, peer = self.socket.recvmsg(ANSWER_BYTES, CONTROL_BYTES)
        return data, peer, asked_address(controls)


Read: TypeAlias = Callable[[Port], None]


@final
class Ports:
    """All query sockets of one door, or of this host itself; calls `read` when answers wait."""

    def __init__(self, loop: AbstractEventLoop, dice: QueryIds, behind: Behind, read: Read) -> None:
        self.behind = behind
        self._loop = loop
        self._dice = dice
        self._read = read
        self._ports: dict[int, list[Port]] = {socket.AF_INET: [], socket.AF_INET6: []}
        self._retired: list[Port] = []

    def pick(self, family: int) -> Port:
        """Returns a random open socket; replaces one after `USES_MAX` queries. Raises OSError."""
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

    def controls(self, client: bytes) -> tuple[Control, ...]:
        """Returns the control message that sets the client's address as source; empty to use this host's own."""
        return (sent_from(client, self.behind.scope),) if self.behind.make is not None else ()

    def sweep(self) -> None:
        """Closes replaced sockets without outstanding queries."""
        for port in [port for port in self._retired if not port.waiting]:
            self._retired.remove(port)
            self._close(port)

    def close(self) -> None:
        for port in [*self._ports[socket.AF_INET], *self._ports[socket.AF_INET6], *self._retired]:
            self._close(port)
        self._ports = {socket.AF_INET: [], socket.AF_INET6: []}
        self._retired = []

    def _open(self, family: int) -> Port:
        make = self.behind.make
        opened = make(family, socket.SOCK_DGRAM, 0) if make is not None else socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            if make is not None:
                receive_info(opened)
            opened.bind((WILDCARDS[family], 0))
        except OSError:
            opened.close()
            raise
        port = Port(opened)
        self._loop.add_reader(opened.fileno(), self._read, port)
        return port

    def _close(self, port: Port) -> None:
        self._loop.remove_reader(port.socket.fileno())
        port.socket.close()
