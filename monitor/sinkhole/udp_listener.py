"""Where clients' UDP queries come in and answers go out."""

import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.sinkhole.counts import DROPPED, UNREAD, Counts
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.sockets import Behind, Control, Peer, answer_from, asked_address, packed, unread

# A query that is longer is cut by the kernel, and a cut one is malformed.
QUERY_BYTES: Final = 4_096
CONTROL_BYTES: Final = 64
BUDGET: Final = 64  # queries before the loop comes round to everybody else


@final
class Route:
    """The way back to a client: its address and port, and where it had sent its query."""

    __slots__ = ("address", "door", "peer")

    def __init__(self, door: "UdpListener", peer: Peer, address: bytes) -> None:
        self.door = door
        self.peer = peer
        self.address = address

    def reply(self, data: bytes) -> None:
        self.door.send(data, self.peer, self.address)


Forward: TypeAlias = Callable[[Asked, Route], None]


@final
class UdpListener:
    """One listening socket at `port`, for the clients that are `behind` it."""

    def __init__(self, listener: socket.socket, behind: Behind, responder: Responder, forward: Forward) -> None:
        self.port: int = listener.getsockname()[1]
        self.behind = behind
        self._listener = listener
        self._responder = responder
        self._forward = forward
        self._counts: Counts = responder.counts
        self._unread = 0

    def open(self, loop: AbstractEventLoop) -> None:
        loop.add_reader(self._listener.fileno(), self._read)

    def close(self, loop: AbstractEventLoop) -> None:
        loop.remove_reader(self._listener.fileno())
        self.count_unread()
        self._listener.close()

    def count_unread(self) -> None:
        """Adds the queries that were lost since the last call because they came faster than they were read."""
        lost = unread(self._listener)
        self._counts.queries[UNREAD] += (lost - self._unread) & 0xFFFF_FFFF
        self._unread = lost

    def _read(self) -> None:
        """A bounded part of what waits."""
        for _ in range(BUDGET):
            try:
                data, controls, _, peer = self._listener.recvmsg(QUERY_BYTES, CONTROL_BYTES)
            except OSError:  # nothing waits, or an ICMP error that is nobody's here
                return
            self._take(data, controls, peer)

    def _take(self, data: bytes, controls: list[Control], peer: Peer) -> None:
        address = asked_address(controls)
        if not address or not peer[1]:  # port 0 cannot be answered
            self._counts.queries[DROPPED] += 1
            return
        reply = self._responder.ask(packed(peer), data)
        if isinstance(reply, Asked):
            self._forward(reply, Route(self, peer, address))
        elif reply is not None:
            self.send(reply, peer, address)

    def send(self, data: bytes, peer: Peer, address: bytes) -> None:
        """An answer that cannot be sent is counted: the client asks again."""
        try:
            self._listener.sendmsg((data,), (answer_from(address, peer),), 0, peer)
        except OSError:
            self._counts.unsent += 1
