"""Runs the self-test on schedule. Its last result goes to health and metrics, and to the log if it changed."""

import asyncio
import time
from asyncio import AbstractEventLoop, Task
from typing import final

from monitor.enforcement.controller import Enforcement
from monitor.log import log
from monitor.model import Samples
from monitor.periodic import Periodic
from monitor.selftest.check import Check


@final
class SelftestSchedule:
    """Runs the self-test and keeps its last result, which health and metrics show while bans are enforced."""

    def __init__(self, loop: AbstractEventLoop, enforcement: Enforcement) -> None:
        self._loop = loop
        self._enforcement = enforcement
        self._running: Task[list[Check]] | None = None
        self._timer = Periodic(loop, "the self-test", 0.0, self._begin)
        self._checks: list[Check] = []
        self._ended = 0.0
        self._told = ""

    def every(self, seconds: float) -> None:
        """Runs the self-test at once, then at this interval. With 0 it runs only on request."""
        self._timer.every(seconds)

    async def run(self) -> list[Check]:
        """Returns the checks of a run, none if nothing is enforced. Concurrent callers share one run."""
        if self._running is None or self._running.done():
            self._running = self._loop.create_task(self._run())
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        self.every(0.0)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def health(self) -> str:
        return "; ".join(map(str, self._failed())) if self._enforcement.is_wanted() else ""

    def samples(self) -> Samples:
        if not self._checks or not self._enforcement.is_wanted():
            return {}
        failed = {check.layer for check in self._failed()}
        seconds: dict[tuple[str, ...], float] = {}
        for check in self._checks:
            seconds[(check.layer,)] = max(check.seconds, seconds.get((check.layer,), 0.0))
        return {
            "selftest_success": {(layer,): float(layer not in failed) for (layer,) in seconds},
            "selftest_seconds": seconds,
            "selftest_last_timestamp_seconds": {(): self._ended},
        }

    def _failed(self) -> list[Check]:
        return [check for check in self._checks if check.fault]

    async def _begin(self) -> None:
        await self.run()

    async def _run(self) -> list[Check]:
        self._checks = await self._enforcement.try_out()
        self._ended = time.time()
        fault = self.health()
        if fault and fault != self._told:
            log.error("the self-test failed: %s", fault)
        elif self._told and not fault and self._checks:
            log.warning("the self-test passes again")
        self._told = fault
        return self._checks
