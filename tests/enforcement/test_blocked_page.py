"""The page behind doors that open, and behind those that do not: a line, and the rest goes on."""

import asyncio
import errno
import logging
import os
import socket
from dataclasses import replace
from typing import Any, cast

import pytest

from monitor.enforcement.blocked_page import BlockedPage
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.sinkhole.settings import SinkholeSettings

SECTION = SinkholeSettings(answer="192.0.2.80", contact="ann")
ADDRESS = socket.inet_aton("192.0.2.80")


class LoopbackDoor:
    """Opens onto loopback, at whatever port is free; `fault` is what the kernel says instead."""

    def __init__(self, fault: int = 0) -> None:
        self.fault = fault
        self.made: list[socket.socket] = []

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        if self.fault:
            raise OSError(self.fault, os.strerror(self.fault))
        made = AnyPort(family, kind, protocol)
        self.made.append(made)
        return made


class AnyPort(socket.socket):
    def setsockopt(self, *arguments: Any) -> None:
        """As without CAP_NET_ADMIN, and none of it is needed on loopback."""

    def bind(self, address: Any) -> None:
        super().bind(("127.0.0.1", 0))


def doors(*found: LoopbackDoor) -> dict[str, NamespaceLink]:
    return {f"lan{at}": cast(NamespaceLink, door) for at, door in enumerate(found)}


def test_it_is_there_as_long_as_its_doors_are_and_somebody_wants_it() -> None:
    async def run() -> None:
        page = BlockedPage(lambda client, name: None, SECTION)
        first, second = LoopbackDoor(), LoopbackDoor()
        await page.open(doors(first, second))
        assert page.address == ADDRESS
        assert [len(door.made) for door in (first, second)] == [1, 1]
        await page.open(doors(second))
        assert (first.made[0].fileno(), second.made[0].fileno() >= 0) == (-1, True)
        reader, writer = await asyncio.open_connection(*second.made[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x.example\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        writer.close()
        assert page.samples()["blocked_page_requests_total"]["free",] == 1.0
        page.configure(replace(SECTION, page=False))
        await page.open(doors(second))
        assert (page.address, second.made[0].fileno()) == (b"", -1)
        page.configure(replace(SECTION, answer="nxdomain"))
        await page.open(doors(second))
        assert (page.address, len(second.made)) == (b"", 1)

    asyncio.run(run())


def test_what_cannot_be_had_costs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        page = BlockedPage(lambda client, name: None, SECTION)
        closed = LoopbackDoor(errno.EACCES)
        for _ in range(3):
            await page.open(doors(LoopbackDoor(), closed))
            assert page.address == b""
        closed.fault = 0
        await page.open(doors(closed))
        assert page.address == ADDRESS
        await page.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.messages == ["the page for blocked names is off: cannot listen on port 80: Permission denied"]
