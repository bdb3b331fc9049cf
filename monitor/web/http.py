"""A strict and bounded HTTP/1.1 server for few and small pages, on the daemon's own loop.

Each connection has one request. With more than `connections` open connections the reply is 503. With more than
`connections_max`, or more than `per_client` of one client, a connection is closed without a reply. Requests that are
larger or slower than the limits below are refused.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

HEAD_BYTES: Final = 8_192
READ_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0
TEXT_TYPE: Final = "text/plain; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class HttpLimits:
    connections: int = 16
    connections_max: int = 256
    per_client: int = 256


@dataclass(frozen=True)
class Request:
    """A GET or HEAD request. `path` is without its query, `host` is the raw Host field, `client` the peer's address."""

    path: bytes
    host: bytes
    client: str


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    body: bytes
    type: str = TEXT_TYPE
    headers: tuple[str, ...] = ()

    def encode(self, with_body: bool) -> bytes:
        """Returns status line, headers and body (RFC 9112); the reply to HEAD has the length without the body."""
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.type}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
            *self.headers,
        ]
        if self.status is HTTPStatus.METHOD_NOT_ALLOWED:
            lines.append("Allow: GET, HEAD")
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            lines.append("Retry-After: 1")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body if with_body else b"")


Answer: TypeAlias = Callable[[Request], Awaitable[Reply]]


def refusal(status: HTTPStatus) -> Reply:
    return Reply(status, f"{status.value} {status.phrase}\n".encode())


class HttpServer:
    """Calls `answer` for each valid request; may listen on several sockets."""

    def __init__(self, answer: Answer, limits: HttpLimits | None = None) -> None:
        self.refused = 0
        self._answer = answer
        self._limits = limits or HttpLimits()
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], str] = {}

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port. Raises OSError if that fails."""
        server = await asyncio.start_server(self._accept, host, port, limit=HEAD_BYTES)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def listen(self, listener: socket.socket) -> None:
        """Listens on a socket that the caller has bound."""
        self._servers.append(await asyncio.start_server(self._accept, sock=listener, limit=HEAD_BYTES))

    async def close(self) -> None:
        """Stops listening and drops open connections."""
        for server in self._servers:
            server.close()
        self._servers = []
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")
        client = str(peer[0]).partition("%")[0] if peer else ""
        if task is None or not self._admits(client):
            self.refused += 1
            writer.transport.abort()
            return
        self._connections[task] = client
        try:
            reply, with_body = await self._reply(reader, client, len(self._connections) > self._limits.connections)
            writer.write(reply.encode(with_body))
            async with asyncio.timeout(WRITE_SECONDS):
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.pop(task, None)
            writer.close()

    def _admits(self, client: str) -> bool:
        if len(self._connections) >= self._limits.connections_max:
            return False
        return sum(other == client for other in self._connections.values()) < self._limits.per_client

    async def _reply(self, reader: asyncio.StreamReader, client: str, excess: bool) -> tuple[Reply, bool]:
        """Returns the reply, and whether to send its body.

        Reads the head even if it refuses the request: on close, unread bytes reset the connection before the reply.
        """
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), True
        except TimeoutError:
            return refusal(HTTPStatus.REQUEST_TIMEOUT), True
        if excess:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE), True
        request = read_request(head, client)
        if isinstance(request, Reply):
            return request, True
        return await self._answer(request), not head.startswith(b"HEAD ")


def read_request(head: bytes, client: str) -> Request | Reply:
    """Returns the request, or the reply that refuses it."""
    first, *fields = head.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not words[1].startswith(b"/"):
        return refusal(HTTPStatus.BAD_REQUEST)
    method, target, protocol = words
    if protocol not in (b"HTTP/1.1", b"HTTP/1.0"):
        return refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if method not in (b"GET", b"HEAD"):
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED)
    hosts = [field[5:].strip() for field in fields if field[:5].lower() == b"host:"]
    return Request(target.partition(b"?")[0], hosts[0] if hosts else b"", client)
