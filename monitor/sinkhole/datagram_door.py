"""Where clients' UDP queries come in and answers go out."""

import socket
import struct
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.sinkhole.counts import DROPPED, Counts
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.sockets import AnyoneSocket, Peer, original_destination, packed

# A query that is longer is cut by the kernel, and a cut one is malformed.
QUERY_BYTES: Final = 4_096
CONTROL_BYTES: Final = 128
BUDGET: Final = 64  # queries before the loop comes round to everybody else


@final
class Route:
    """The way back to a client: its address and port, and where it had sent its query."""

    __slots__ = ("address", "door", "peer", "port")

    def __init__(self, door: "DatagramDoor", peer: Peer, address: bytes, port: int) -> None:
        self.door = door
        self.peer = peer
        self.address = address
        self.port = port

    def reply(self, data: bytes) -> None:
        self.door.send(data, self)


Forward: TypeAlias = Callable[[Asked, Route], None]


@final
class DatagramDoor:
    """One listening socket; with `anyone` it is transparent, and answers leave from the address that was asked."""

    def __init__(
        self, listener: socket.socket, anyone: AnyoneSocket | None, responder: Responder, forward: Forward
    ) -> None:
        self._listener = listener
        self._anyone = anyone
        self._responder = responder
        self._forward = forward
        self._counts: Counts = responder.counts
        name = listener.getsockname()
        self._own: tuple[bytes, int] = (packed(name), name[1])

    def open(self, loop: AbstractEventLoop) -> None:
        loop.add_reader(self._listener.fileno(), self._read)

    def close(self, loop: AbstractEventLoop) -> None:
        loop.remove_reader(self._listener.fileno())
        self._listener.close()
        if self._anyone is not None:
            self._anyone.close()

    def _read(self) -> None:
        """A bounded part of what waits."""
        controls: list[tuple[int, int, bytes]] = []
        for _ in range(BUDGET):
            try:
                if self._anyone is None:
                    data, peer = self._listener.recvfrom(QUERY_BYTES)
                else:
                    data, controls, _, peer = self._listener.recvmsg(QUERY_BYTES, CONTROL_BYTES)
            except OSError:  # nothing waits, or an ICMP error that is nobody's here
                return
            self._take(data, peer, original_destination(controls) if self._anyone is not None else self._own)

    def _take(self, data: bytes, peer: Peer, asked: tuple[bytes, int] | None) -> None:
        if asked is None or not peer[1]:  # port 0 cannot be answered
            self._counts.queries[DROPPED] += 1
            return
        reply = self._responder.ask(packed(peer), data)
        if reply is None:
            return
        route = Route(self, peer, asked[0], asked[1])
        if isinstance(reply, Asked):
            self._forward(reply, route)
        else:
            self.send(reply, route)

    def send(self, data: bytes, route: Route) -> None:
        """An answer that cannot be sent is counted: the client asks again."""
        try:
            if self._anyone is None:
                self._listener.sendto(data, route.peer)
            else:
                self._anyone.send(data, route.address, route.port, route.peer)
        except (OSError, struct.error):
            self._counts.unsent += 1
