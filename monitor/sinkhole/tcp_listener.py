"""Accepts clients' TCP connections, with limits per client, on idle time, and on unread answers.

If all connections are in use, the one that has been idle longest is closed, so that idle connections cannot lock out
other clients.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.sinkhole.counts import FULL, GREEDY, IDLE, SLOW, Counts
from monitor.sinkhole.counts import MALFORMED as MALFORMED_STREAM
from monitor.sinkhole.framing import Framer, framed
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.settings import SinkholeLimits
from monitor.sinkhole.sockets import Behind, Peer, packed
from monitor.sinkhole.tcp_upstream import TcpUpstream

QUERY_BYTES: Final = 4_096
READ_BYTES: Final = 16_384
UNREAD_BYTES: Final = 196_608  # three answers of the largest size
QUERIES_PER_TURN: Final = 32

# Makes an upstream from the address that the client connected to, the client, its door, and a callback for answers.
MakeUpstream: TypeAlias = Callable[[Peer, Peer, Behind, Callable[[bytes], None]], TcpUpstream]


@final
class TcpListener:
    """All connections of clients, of both families, and the limits that they share."""

    def __init__(self, responder: Responder, limits: SinkholeLimits, make_upstream: MakeUpstream) -> None:
        self.responder = responder
        self.limits = limits
        self.make_upstream = make_upstream
        self.counts: Counts = responder.counts
        # Shared by all connections: each read is consumed before the next one.
        self.buffer = bytearray(READ_BYTES)
        # Ordered by last message.
        self._connections: dict[ClientConnection, None] = {}
        self._clients: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def accepting(self, behind: Behind) -> Callable[[], asyncio.BaseProtocol]:
        """Returns a factory of protocols for connections from behind a door."""
        return lambda: ClientConnection(self, behind)

    def admit(self, connection: "ClientConnection") -> bool:
        held = self._clients.get(connection.client, 0)
        if held >= self.limits.connections_per_client:
            self.counts.connections[GREEDY] += 1
            return False
        if len(self._connections) >= self.limits.connections:
            self.counts.connections[FULL] += 1
            self._drop(next(iter(self._connections)))
        self._connections[connection] = None
        self._clients[connection.client] = self._clients.get(connection.client, 0) + 1
        return True

    def touch(self, connection: "ClientConnection", now: float) -> None:
        """Records a query of the connection at `now`."""
        connection.active = now
        if connection in self._connections:
            del self._connections[connection]
            self._connections[connection] = None

    def leave(self, connection: "ClientConnection") -> None:
        if connection not in self._connections:
            return
        del self._connections[connection]
        held = self._clients[connection.client] - 1
        if held:
            self._clients[connection.client] = held
        else:
            del self._clients[connection.client]

    def expire(self, now: float) -> None:
        for connection in list(self._connections):
            connection.expire(now)
            if now - connection.active > self.limits.idle_seconds and not connection.waits:
                self.counts.connections[IDLE] += 1
                self._drop(connection)

    def close(self) -> None:
        for connection in list(self._connections):
            self._drop(connection)

    def _drop(self, connection: "ClientConnection") -> None:
        self.leave(connection)
        connection.abort()


@final
class ClientConnection(asyncio.BufferedProtocol):
    """One client's connection: any number of queries, answers as they arrive (RFC 7766 section 6.2.1.1)."""

    def __init__(self, door: TcpListener, behind: Behind) -> None:
        self.client = b""
        self.behind = behind
        self.active = 0.0
        self._door = door
        self._framer = Framer(QUERY_BYTES)
        self._upstream: TcpUpstream | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._ended = False
        self._working = False

    @property
    def waits(self) -> bool:
        """Whether an answer is outstanding."""
        return self._upstream is not None and len(self._upstream) > 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if not peer:  # already disconnected
            transport.abort()
            return
        self.client = packed(peer)
        self.active = self._loop.time()
        if not self._door.admit(self):
            transport.abort()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._door.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._framer.feed(bytes(self._door.buffer[:nbytes]))
        if not self._working:
            self._work()

    def eof_received(self) -> bool:
        """The client sends no more queries; outstanding ones are still answered."""
        self._ended = True
        return self._working or self.waits

    def connection_lost(self, error: Exception | None) -> None:
        self._door.leave(self)
        self._transport = None
        if self._upstream is not None:
            self._upstream.close()

    def expire(self, now: float) -> None:
        if self._upstream is not None:
            self._upstream.expire(now)

    def abort(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        """Processes a bounded number of received queries; resumes reading once all are processed."""
        self._working = False
        for _ in range(QUERIES_PER_TURN):
            if self._transport is None or self._transport.is_closing():
                return
            if self._framer.is_oversized:
                self._refuse(MALFORMED_STREAM)
                return
            if self._is_busy():
                self._pause(True)
                return
            message = self._framer.take()
            if message is None:
                self._pause(False)
                self._close_when_done()
                return
            self._door.touch(self, self._loop.time())
            self._ask(message)
        self._working = True
        self._pause(True)
        self._loop.call_soon(self._work)

    def _is_busy(self) -> bool:
        return self._upstream is not None and len(self._upstream) >= self._door.limits.queries_per_connection

    def _ask(self, message: bytes) -> None:
        reply = self._door.responder.ask(self.client, message)
        if reply is None:
            self._refuse(MALFORMED_STREAM)
        elif isinstance(reply, Asked):
            assert self._transport is not None
            if self._upstream is None:
                asked, client = [self._transport.get_extra_info(end) for end in ("sockname", "peername")]
                self._upstream = self._door.make_upstream(asked, client, self.behind, self._give)
            self._upstream.forward(reply, self._loop.time() + self._door.limits.stream_seconds)
        else:
            self._write(reply)

    def _give(self, data: bytes) -> None:
        """Sends an answer of the upstream to the client, and continues with its next query."""
        self._write(data)
        if self._paused and not self._working:
            self._working = True
            self._loop.call_soon(self._work)
        self._close_when_done()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(framed(data))
        if transport.get_write_buffer_size() > UNREAD_BYTES:
            self._refuse(SLOW)

    def _refuse(self, reason: str) -> None:
        self._door.counts.connections[reason] += 1
        self.abort()

    def _pause(self, pause: bool) -> None:
        if self._transport is None or pause == self._paused:
            return
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _close_when_done(self) -> None:
        if self._ended and not self.waits and not self._working and self._transport is not None:
            self._transport.close()
