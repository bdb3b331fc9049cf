"""Receives clients' UDP queries and sends their answers."""

import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.sinkhole.counts import DROPPED, UNREAD, Counts
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.sockets import Behind, Control, Peer, answer_from, asked_address, packed, unread

# The kernel truncates a longer query, which is then malformed.
QUERY_BYTES: Final = 4_096
CONTROL_BYTES: Final = 64
BUDGET: Final = 64  # queries per turn of the event loop


@final
class Route:
    """The return path to a client: its address and port, and the address that it queried."""

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
    """One listening socket on `port`, for the clients `behind` it."""

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
        """Counts the queries that the kernel has dropped since the last call because the buffer was full."""
        lost = unread(self._listener)
        self._counts.queries[UNREAD] += (lost - self._unread) & 0xFFFF_FFFF
        self._unread = lost

    def _read(self) -> None:
        """Processes a bounded number of waiting datagrams."""
        for _ in range(BUDGET):
            try:
                data, controls, _, peer = self._listener.recvmsg(QUERY_BYTES, CONTROL_BYTES)
            except OSError:  # no datagram waits, or an ICMP error, which is irrelevant here
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
        """Sends an answer. A failure is only counted, because the client retries."""
        try:
            self._listener.sendmsg((data,), (answer_from(address, peer),), 0, peer)
        except OSError:
            self._counts.unsent += 1
