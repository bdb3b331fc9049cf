"""Repeated work: it goes on after an error, which the log has once, and one run at a time is under way."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from monitor.periodic import Periodic

SECONDS = 0.001


def test_an_error_is_logged_once_and_the_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        calls: list[int] = []
        done = asyncio.Event()

        def act() -> None:
            calls.append(len(calls))
            if len(calls) == 9:
                done.set()
            if len(calls) != 5:
                raise OSError("no disk")

        periodic = Periodic(asyncio.get_running_loop(), "writing", SECONDS, act)
        periodic.start()
        async with asyncio.timeout(20):
            await done.wait()
        periodic.stop()

    with caplog.at_level(logging.ERROR, "monitor"):
        asyncio.run(run())
    assert caplog.messages == ["writing failed and is tried again in 0.001 s: OSError('no disk')"] * 2


def test_a_coroutine_is_not_begun_again_before_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        asked, running, most = 0, 0, 0
        goes_on, done = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await goes_on.wait()
            running -= 1
            raise ValueError("not now")

        def act() -> Coroutine[Any, Any, None]:
            nonlocal asked
            asked += 1
            if asked == 2:
                done.set()
            return work()

        periodic = Periodic(loop, "looking", SECONDS, act)
        periodic.every(SECONDS)
        loop.call_later(20 * SECONDS, goes_on.set)
        async with asyncio.timeout(20):
            await done.wait()
        periodic.every(0.0)
        assert most == 1

    with caplog.at_level(logging.ERROR, "monitor"):
        asyncio.run(run())
    assert caplog.messages == ["looking failed and is tried again in 0.001 s: ValueError('not now')"]


def test_nothing_is_called_after_the_stop() -> None:
    async def run() -> None:
        calls: list[None] = []
        periodic = Periodic(asyncio.get_running_loop(), "counting", SECONDS, lambda: calls.append(None))
        periodic.start()
        periodic.stop()
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(5 * SECONDS, later.set)
        async with asyncio.timeout(20):
            await later.wait()
        assert calls == []

    asyncio.run(run())
