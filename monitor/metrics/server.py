"""`/metrics` and `/healthz` over HTTP/1.1, strict and bounded, on the daemon's own loop.

A page is rendered at most once a second and everybody who asks meanwhile gets that copy, so that scrapers cannot
hold the loop. One request a connection. Beyond `CONNECTIONS` at a time the answer is 503, beyond `CONNECTIONS_MAX`
there is none; what is larger or slower than the limits here is refused.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

HEAD_BYTES: Final = 8_192
CONNECTIONS: Final = 16
CONNECTIONS_MAX: Final = 256
READ_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0
FRESH_SECONDS: Final = 1.0
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
INDEX: Final = b"gatewatch\n\n/metrics  for Prometheus\n/healthz  200 if all is well, 503 if not\n"

log: Final = logging.getLogger(__name__)

Render: TypeAlias = Callable[[], Awaitable[bytes]]
Health: TypeAlias = Callable[[], dict[str, str]]


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    body: bytes
    type: str = TEXT_TYPE

    def encode(self, with_body: bool) -> bytes:
        """Status line, headers and body (RFC 9112); a HEAD gets the length without the body."""
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.type}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        if self.status is HTTPStatus.METHOD_NOT_ALLOWED:
            lines.append("Allow: GET, HEAD")
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            lines.append("Retry-After: 1")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body if with_body else b"")


def refusal(status: HTTPStatus) -> Reply:
    return Reply(status, f"{status.value} {status.phrase}\n".encode())


class Copy:
    """The last page. Whoever asks while one is being made waits for that one. An empty page is one that failed."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._page: asyncio.Task[bytes] | None = None
        self._begun = 0.0

    async def get(self) -> bytes:
        now = asyncio.get_running_loop().time()
        if self._page is None or (self._page.done() and now - self._begun >= FRESH_SECONDS):
            self._begun = now
            self._page = asyncio.ensure_future(self._made())
        return await asyncio.shield(self._page)

    async def _made(self) -> bytes:
        try:
            return await self._render()
        except Exception as error:
            log.error("/metrics cannot be rendered: %r", error)
            return b""


class MetricsServer:
    """Serves one address. `health` gives what is wrong by component, `""` where nothing is."""

    def __init__(self, render: Render, health: Health) -> None:
        self._copy = Copy(render)
        self._health = health
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port; raises OSError where that is impossible."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=HEAD_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stops listening and drops what is under way."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            reply, with_body = await self._answer(reader, len(self._connections) > CONNECTIONS)
            writer.write(reply.encode(with_body))
            async with asyncio.timeout(WRITE_SECONDS):
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, excess: bool) -> tuple[Reply, bool]:
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
        return await self._reply(head)

    async def _reply(self, head: bytes) -> tuple[Reply, bool]:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[1].startswith(b"/"):
            return refusal(HTTPStatus.BAD_REQUEST), True
        method, target, protocol = words
        if protocol not in (b"HTTP/1.1", b"HTTP/1.0"):
            return refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED), True
        if method not in (b"GET", b"HEAD"):
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED), True
        return await self._page(target.partition(b"?")[0]), method == b"GET"

    async def _page(self, path: bytes) -> Reply:
        if path == b"/metrics":
            page = await self._copy.get()
            return Reply(HTTPStatus.OK, page, METRICS_TYPE) if page else refusal(HTTPStatus.INTERNAL_SERVER_ERROR)
        if path == b"/healthz":
            return self._health_reply()
        return Reply(HTTPStatus.OK, INDEX) if path == b"/" else refusal(HTTPStatus.NOT_FOUND)

    def _health_reply(self) -> Reply:
        states = self._health()
        well = not any(states.values())
        lines = [f"{name}: {wrong or 'ok'}\n" for name, wrong in states.items()]
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, "".join([f"{'ok' if well else 'not well'}\n", *lines]).encode())
