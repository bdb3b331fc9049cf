"""The page that says what is blocked, over real sockets: what it tells of which name, and what nobody can do to it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from browser import Browser

from monitor.web import http
from monitor.web.blocked import BlockedSite, Rule, blocked_page, name_of
from monitor.web.http import HttpLimits, HttpServer

RULE = Rule("config.1", "bytedance", "students", "Policy <7>", 0.0)


def explain(client: str, name: bytes) -> Rule | None:
    return RULE if client == "127.0.0.1" and name.endswith(b"tiktok.com") else None


async def exchange(port: int, request: bytes) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def served(test: Callable[[int, BlockedSite, HttpServer], Awaitable[None]], limits: HttpLimits | None = None) -> None:
    async def run() -> None:
        site = BlockedSite(explain)
        site.contact, site.ttl = "ann@example.org", 10
        server = HttpServer(site.answer, limits)
        port = await server.start("127.0.0.1", 0)
        try:
            await test(port, site, server)
        finally:
            await server.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("host", "status", "words"),
    [
        (b"www.tiktok.com", b"403 Forbidden", "www.tiktok.com is blocked here"),
        (b"WWW.TikTok.com.:80", b"403 Forbidden", "Policy &lt;7&gt;"),
        (b"www.example.org", b"503 Service Unavailable", "for up to 10 seconds"),
        (b"192.0.2.80", b"404 Not Found", "Contact: ann@example.org"),
        (b"[2001:db8::1]:80", b"404 Not Found", "Page for blocked names"),
        (b"<b>x</b>", b"404 Not Found", "Page for blocked names"),
        (b"a" * 300 + b".tiktok.com", b"404 Not Found", "Page for blocked names"),
        (b"", b"404 Not Found", "Page for blocked names"),
    ],
)
def test_what_it_tells_of_a_name(host: bytes, status: bytes, words: str) -> None:
    async def test(port: int, site: BlockedSite, server: HttpServer) -> None:
        head, body = await exchange(port, b"GET /any/path HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"Cache-Control: no-store" in head
        assert words in body.decode()
        assert b"<b>x" not in body
        assert sum(site.counts.values()) == 1

    served(test)


@pytest.mark.parametrize("request_text", [b"\x16\x03\x01\x02\x00\x01", b"GET /\r\n\r\n", b"PUT / HTTP/1.1\r\n\r\n"])
def test_what_is_no_request_gets_no_page(request_text: bytes) -> None:
    async def test(port: int, site: BlockedSite, server: HttpServer) -> None:
        head, body = await exchange(port, request_text + b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 40")
        assert len(body) < 100
        assert sum(site.counts.values()) == 0

    served(test)


def test_one_client_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 30.0)

    async def test(port: int, site: BlockedSite, server: HttpServer) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        while len(server._connections) < 4:
            await asyncio.sleep(0.001)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        assert server.refused == 3
        for _, writer in held:
            writer.close()
        while server._connections:
            await asyncio.sleep(0.001)
        head, _ = await exchange(port, b"GET / HTTP/1.1\r\nHost: www.tiktok.com\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403")

    served(test, HttpLimits(per_client=4))


@pytest.mark.parametrize("host", [b"www.tiktok.com", b"WWW.TIKTOK.COM:8080", b"www.tiktok.com."])
def test_a_host_is_a_name_in_lower_case(host: bytes) -> None:
    assert name_of(host) == b"www.tiktok.com"


@pytest.mark.programs
def test_it_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(blocked_page(f"{'x' * 60}.tiktok.com", RULE, "the help desk in room " + "9" * 80))
    browser.open(f"file://{file}", 320)
    assert browser.ask("document.documentElement.scrollWidth") <= 320
