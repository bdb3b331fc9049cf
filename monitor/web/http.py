"""HTTP/1.1 for few and small pages, strict and bounded, on the daemon's own loop.

One request a connection. Beyond `connections` at a time the answer is 503, beyond `connections_max`, or where one
client holds `per_client` already, there is none; what is larger or slower than the limits here is refused.
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
    """A GET or HEAD. `path` is without its query, `host` as the client wrote it, `client` its address."""

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
        """Status line, headers and body (RFC 9112); a HEAD gets the length without the body."""
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
    """`answer` gives the reply to a request that is one; it may listen at several places."""

    def __init__(self, answer: Answer, limits: HttpLimits | None = None) -> None:
        self.refused = 0
        self._answer = answer
        self._limits = limits or HttpLimits()
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], str] = {}

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port; raises OSError where that is impossible."""
        server = await asyncio.start_server(self._accept, host, port, limit=HEAD_BYTES)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def listen(self, listener: socket.socket) -> None:
        """Listens at a socket that somebody else has bound."""
        self._servers.append(await asyncio.start_server(self._accept, sock=listener, limit=HEAD_BYTES))

    async def close(self) -> None:
        """Stops listening and drops what is under way."""
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
        """The reply, and whether with its body. The head is read before any: unread bytes would reset the reply."""
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
    """The request, or why it is none."""
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
