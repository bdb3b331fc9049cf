"""The server over real sockets: what it answers, what it refuses, and that nobody stalls the loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from monitor.metrics.collector import Collector
from monitor.web import http, site
from monitor.web.http import HttpLimits, HttpServer
from monitor.web.site import Site

CONNECTIONS = HttpLimits().connections

SERIES = {(f"vendor{at}", f"service{at % 7}", "none", "up", "sni"): at * 1234.0 for at in range(10_000)}


async def page() -> bytes:
    return b"page\n"


async def exchange(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), body


async def scrape(port: int, times: int) -> list[tuple[int, dict[str, str], bytes]]:
    """So many clients at once."""
    return await asyncio.gather(*(exchange(port, b"GET /metrics HTTP/1.1\r\n\r\n") for _ in range(times)))


def served(
    test: Callable[[int], Awaitable[None]],
    render: Callable[[], Awaitable[bytes]] = page,
    health: dict[str, str] | None = None,
) -> None:
    async def run() -> None:
        server = HttpServer(Site(render, page, lambda: health or {"capture": ""}).answer)
        port = await server.start("127.0.0.1", 0)
        try:
            await test(port)
        finally:
            await server.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        ("GET /metrics HTTP/1.1", 200, b"page\n"),
        ("GET /metrics?name=x HTTP/1.0", 200, b"page\n"),
        ("GET /healthz HTTP/1.1", 200, b"ok\ncapture: ok\n"),
        ("GET / HTTP/1.1", 200, b"page\n"),
        ("GET /metric HTTP/1.1", 404, b"404 Not Found\n"),
        ("POST /metrics HTTP/1.1", 405, b"405 Method Not Allowed\n"),
        ("GET http://else.example/ HTTP/1.1", 400, b"400 Bad Request\n"),
        ("GET /metrics HTTP/2.0", 505, b"505 HTTP Version Not Supported\n"),
        ("GET  /metrics HTTP/1.1", 400, b"400 Bad Request\n"),
        ("\x16\x03\x01", 400, b"400 Bad Request\n"),
    ],
)
def test_answers(request_line: str, status: int, body: bytes) -> None:
    async def test(port: int) -> None:
        got, headers, content = await exchange(port, f"{request_line}\r\nHost: x\r\n\r\n".encode("latin-1"))
        assert (got, content) == (status, body)
        assert int(headers["Content-Length"]) == len(body)
        assert headers["Connection"] == "close"

    served(test)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:10053", 200), ("[::1]:10053", 200), ("localhost:10053", 200), ("LOCALHOST.", 200), ("gw", 200),
        ("a.localhost", 200), ("gw.school.example:10053", 200), ("evil.example", 421), ("evil.example:10053", 421),
        ("gw.school.example.evil.example", 421), ("127.0.0.1.evil.example", 421),
        ("evil.example, localhost", 421), ("x@evil.example", 421),
    ],
)  # fmt: skip
def test_a_page_from_elsewhere_cannot_read_it_under_its_own_name(host: str, status: int) -> None:
    """A browser tells the name that it came by."""

    async def run() -> None:
        names = frozenset(("gw.school.example",))
        server = HttpServer(Site(page, page, lambda: {"capture": ""}, names).answer)
        port = await server.start("127.0.0.1", 0)
        try:
            for path in ("/", "/metrics", "/healthz"):
                got, _, content = await exchange(port, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert (got, b"use an address" in content) == (status, status == 421)
        finally:
            await server.close()

    asyncio.run(run())


def test_head_has_the_length_and_no_body() -> None:
    async def test(port: int) -> None:
        status, headers, body = await exchange(port, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (status, headers["Content-Length"], body) == (200, "5", b"")

    served(test)


def test_what_is_not_well_is_named() -> None:
    async def test(port: int) -> None:
        status, _, body = await exchange(port, b"GET /healthz HTTP/1.1\r\n\r\n")
        assert (status, body) == (503, b"not well\ncapture: eth0 is down\nlists: ok\n")

    served(test, health={"capture": "eth0 is down", "lists": ""})


def test_a_head_without_end_is_refused() -> None:
    async def test(port: int) -> None:
        status, _, _ = await exchange(port, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000)
        assert status == 431

    served(test)


def test_a_slow_request_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.02)

    async def test(port: int) -> None:
        status, _, _ = await exchange(port, b"GET /metrics HTTP/1.1\r\n")
        assert status == 408

    served(test)


def test_a_page_is_made_once_for_all_who_ask_meanwhile() -> None:
    rendered = 0

    async def render() -> bytes:
        nonlocal rendered
        rendered += 1
        await asyncio.sleep(0.05)
        return b"page\n"

    async def test(port: int) -> None:
        request = b"GET /metrics HTTP/1.1\r\n\r\n"
        answers = await asyncio.gather(*(exchange(port, request) for _ in range(CONNECTIONS)))
        assert {status for status, _, _ in answers} == {200}
        assert (await exchange(port, request))[0] == 200
        assert rendered == 1

    served(test, render)


def test_more_connections_than_allowed_get_503() -> None:
    gate = asyncio.Event()

    async def render() -> bytes:
        await gate.wait()
        return b"page\n"

    async def test(port: int) -> None:
        request = b"GET /metrics HTTP/1.1\r\n\r\n"
        waiting = [asyncio.create_task(exchange(port, request)) for _ in range(CONNECTIONS + 8)]
        pending, refused = set(waiting), []
        while len(refused) < 8:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            refused += [task.result()[0] for task in done]
        assert refused == [503] * 8
        gate.set()
        assert {(await task)[0] for task in pending} == {200}

    served(test, render)


def test_a_failing_page_is_an_error_to_the_scraper_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(site, "FRESH_SECONDS", 0.0)
    failing = True

    async def render() -> bytes:
        if failing:
            raise KeyError("no metric family is called x")
        return b"page\n"

    async def test(port: int) -> None:
        nonlocal failing
        request = b"GET /metrics HTTP/1.1\r\n\r\n"
        assert (await exchange(port, request))[0] == 500
        assert caplog.messages == ["/metrics cannot be rendered: KeyError('no metric family is called x')"]
        failing = False
        assert (await exchange(port, request))[0] == 200

    served(test, render)


def test_two_hundred_scrapes_of_ten_thousand_series_cost_the_loop_one_page_a_second() -> None:
    """How long one page holds the loop is a figure of `bench/stall.py`."""
    collector = Collector([lambda: {"flow_bytes_total": SERIES}], [])
    pages = 0

    def render() -> bytes:
        nonlocal pages
        pages += 1
        return collector.render()

    async def test(port: int) -> None:
        began = time.monotonic()
        answers = await asyncio.to_thread(lambda: asyncio.run(scrape(port, 200)))
        assert {status for status, _, _ in answers} == {200, 503}
        assert all(body.count(b"\n") > 10_000 for status, _, body in answers if status == 200)
        assert 0 < pages <= time.monotonic() - began + 1

    served(test, render)
