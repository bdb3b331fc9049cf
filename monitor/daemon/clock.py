"""Notices that somebody has set the clock, by hand or by the first answer of a time server, or the time zone."""

import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.log import log
from monitor.periodic import Periodic

# What is less is a clock that is being slewed, or a daemon that had to wait between two looks.
STEP_SECONDS: Final = 2.0

ZONE_SECONDS: Final = 5.0


@final
class Clock:
    """Compares the wall's clock with one that only goes on."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def look(self) -> tuple[float, float]:
        """The time, and by how much the clock was set since the last look: 0.0 for not at all."""
        now = self._wall()
        ahead = now - self._steady()
        moved = ahead - self._ahead
        self._ahead = ahead
        return now, moved if abs(moved) > STEP_SECONDS else 0.0


@final
class TimeZone:
    """Follows the machine's time zone, which the C library would read once and never again.

    `changed` is called when it is another one. A look costs a stat(2).
    """

    def __init__(self, loop: AbstractEventLoop, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._timer = Periodic(loop, "looking for another time zone", ZONE_SECONDS, self._look)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        before = (time.tzname, time.timezone, time.altzone)
        time.tzset()
        if (time.tzname, time.timezone, time.altzone) != before:
            names = "/".join(dict.fromkeys(time.tzname))
            log.warning("the time zone is %s now: schedules and the journal's days follow it", names)
            self._changed()
