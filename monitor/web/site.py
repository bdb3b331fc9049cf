"""The daemon's own site: `/` for people, `/metrics` for Prometheus, `/healthz` for supervisors and probes.

A page is rendered at most once a second, and requests in between get that copy, so that scrapers and browsers cannot
block the loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias

from monitor.web.hosts import is_asked_as_ours
from monitor.web.http import HTML_TYPE, Reply, Request, refusal
from monitor.web.status_page import PAGE_HEADERS

FRESH_SECONDS: Final = 1.0
STRANGE_NAME: Final = b"421 Misdirected Request: use an address, localhost or this host's own name\n"
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

log: Final = logging.getLogger(__name__)

Render: TypeAlias = Callable[[], Awaitable[bytes]]
Health: TypeAlias = Callable[[], dict[str, str]]


class Copy:
    """Caches the last page. Requests during a rendering wait for its result. An empty page means that it failed."""

    def __init__(self, path: str, render: Render) -> None:
        self._path = path
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
            log.error("%s cannot be rendered: %r", self._path, error)
            return b""


class Site:
    """`metrics` and `status` render pages; `health` returns the fault of each component, `""` if it has none.

    `degraded` returns faults by topic although no component has failed: a restart would not fix them.
    `names` are the names, besides addresses, that the Host field may contain; None allows any.
    """

    def __init__(
        self,
        metrics: Render,
        status: Render,
        health: Health,
        names: frozenset[str] | None = None,
        degraded: Health = dict,
    ) -> None:
        self._metrics = Copy("/metrics", metrics)
        self._status = Copy("/", status)
        self._health = health
        self._names = names
        self._degraded = degraded

    async def answer(self, request: Request) -> Reply:
        if self._names is not None and not is_asked_as_ours(request.host, self._names):
            return Reply(HTTPStatus.MISDIRECTED_REQUEST, STRANGE_NAME)
        if request.path == b"/metrics":
            return page_reply(await self._metrics.get(), METRICS_TYPE, ())
        if request.path == b"/":
            return page_reply(await self._status.get(), HTML_TYPE, PAGE_HEADERS)
        if request.path == b"/healthz":
            return self._health_reply()
        return refusal(HTTPStatus.NOT_FOUND)

    def _health_reply(self) -> Reply:
        """Returns 503 if a component has failed; 200 with `degraded` if a restart by a supervisor would not help."""
        states, degraded = self._health(), self._degraded()
        well = not any(states.values())
        word = "not well" if not well else "degraded" if any(degraded.values()) else "ok"
        lines = [f"{name}: {wrong or 'ok'}\n" for name, wrong in {**states, **degraded}.items()]
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, "".join([f"{word}\n", *lines]).encode())


def page_reply(page: bytes, type: str, headers: tuple[str, ...]) -> Reply:
    return Reply(HTTPStatus.OK, page, type, headers) if page else refusal(HTTPStatus.INTERNAL_SERVER_ERROR)
