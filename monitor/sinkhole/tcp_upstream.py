"""Forwards the queries of one client's TCP connection to an upstream over one TCP connection, in any order.

The connection opens with the first query, reopens once if the server has closed it meanwhile (RFC 7766 section 6.2.4),
and moves to the next server if the first does not accept it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Final, final

from monitor.sinkhole.counts import LATE, MISMATCHED, TIMEOUT, UNREACHABLE
from monitor.sinkhole.framing import Framer, framed
from monitor.sinkhole.query_ids import QueryIds
from monitor.sinkhole.responder import Asked, Responder
from monitor.sinkhole.servers import Servers
from monitor.sinkhole.sockets import Behind, Peer, be_anywhere, family_of
from monitor.wire.dns.message import HEADER
from monitor.wire.dns.query import TYPE_AXFR, TYPE_IXFR, is_answer
from monitor.wire.dns.reply import with_id

CONNECT_SECONDS: Final = 2.0
ATTEMPTS_MAX: Final = 2
ANSWER_BYTES: Final = 65_535


@final
class _Waiting:
    __slots__ = ("asked", "attempts", "begun", "deadline")

    def __init__(self, asked: Asked, deadline: float) -> None:
        self.asked = asked
        self.deadline = deadline
        self.attempts = 0
        self.begun = False  # a zone transfer that has been received in part


@final
class TcpUpstream(asyncio.Protocol):
    """Calls `give` with each answer for the client. Uses the client's address as source if `behind` makes sockets."""

    def __init__(
        self, responder: Responder, servers: Servers, candidates: Sequence[Peer], dice: QueryIds,
        give: Callable[[bytes], None], client: Peer, behind: Behind,
    ) -> None:  # fmt: skip
        self._responder = responder
        self._counts = responder.counts
        self._servers = servers
        self._candidates = candidates
        self._dice = dice
        self._give = give
        self._client = client
        self._behind = behind
        self._server: Peer | None = None
        self._framer = Framer(ANSWER_BYTES)
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        # Ordered by deadline.
        self._waiting: dict[int, _Waiting] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def forward(self, asked: Asked, deadline: float) -> None:
        number = self._dice.free_id(self._waiting)
        self._waiting[number] = _Waiting(asked, deadline)
        self._put(number)

    def expire(self, now: float) -> None:
        """Fails the queries whose deadline has passed."""
        while self._waiting:
            number = next(iter(self._waiting))
            if self._waiting[number].deadline > now:
                return
            self._counts.upstream[TIMEOUT] += 1
            if self._server is not None:
                self._servers.failed(self._server, now)
            self._fail(number)

    def close(self) -> None:
        self._closed = True
        self._waiting.clear()
        if self._opening is not None:
            self._opening.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _put(self, number: int) -> None:
        waiting = self._waiting[number]
        if self._transport is not None:
            waiting.attempts += 1
            self._transport.write(framed(bytes((number >> 8, number & 255)) + waiting.asked.query.data[2:]))
        elif self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        """Connects to the first server that accepts, then sends all waiting queries."""
        loop = asyncio.get_running_loop()
        for server in self._candidates:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._connect(loop, server)
            except OSError:  # includes TimeoutError
                self._counts.upstream[UNREACHABLE] += 1
                self._servers.failed(server, loop.time())
                continue
            self._server = server
            break
        self._opening = None
        for number in list(self._waiting):
            if self._transport is not None:
                self._put(number)
            else:
                self._fail(number)

    async def _connect(self, loop: asyncio.AbstractEventLoop, server: Peer) -> None:
        opened = self._make(family_of(server[0]))
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(opened, server)
            await loop.create_connection(lambda: self, sock=opened)
        except BaseException:
            opened.close()
            raise

    def _make(self, family: int) -> socket.socket:
        """Returns a socket with the client's address, or with this host's own. Raises OSError."""
        make = self._behind.make
        if make is None or not self._servers.is_asked:
            return socket.socket(family, socket.SOCK_STREAM)
        opened = make(family, socket.SOCK_STREAM, 0)
        try:
            be_anywhere(opened)
            opened.bind((self._client[0], 0, *self._client[2:]))
        except OSError:
            opened.close()
            raise
        return opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._closed:
            transport.abort()
            return
        self._transport = transport
        self._framer = Framer(ANSWER_BYTES)

    def data_received(self, data: bytes) -> None:
        self._framer.feed(data)
        message = self._framer.take()
        while message is not None:
            self._take(message)
            message = self._framer.take()

    def connection_lost(self, error: Exception | None) -> None:
        """Sends outstanding queries again, once."""
        self._transport = None
        for number in list(self._waiting):
            waiting = self._waiting[number]
            if waiting.begun or waiting.attempts >= ATTEMPTS_MAX:
                self._fail(number)
            else:
                self._put(number)

    def _take(self, data: bytes) -> None:
        if len(data) < HEADER:
            self._counts.upstream[MISMATCHED] += 1
            return
        number = data[0] << 8 | data[1]
        waiting = self._waiting.get(number)
        if waiting is None:
            self._counts.upstream[LATE] += 1
        elif not is_answer(waiting.asked.query, data):
            self._counts.upstream[MISMATCHED] += 1
        elif waiting.asked.query.type in (TYPE_AXFR, TYPE_IXFR):
            # A transfer has any number of messages (RFC 5936 section 2.2); it ends with its connection or deadline.
            waiting.begun = True
            self._give(with_id(data, waiting.asked.query.data))
        else:
            del self._waiting[number]
            self._give(self._responder.settle(waiting.asked, data))
        if self._server is not None:
            self._servers.answered(self._server)

    def _fail(self, number: int) -> None:
        waiting = self._waiting.pop(number)
        if not waiting.begun:
            self._give(self._responder.fail(waiting.asked))
