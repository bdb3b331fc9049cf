"""Detects steps of the system clock (set manually or by a time server) and changes of the time zone."""

import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.log import log
from monitor.periodic import Periodic

# Smaller differences come from a clock that is being slewed or from a daemon that was delayed between two looks.
STEP_SECONDS: Final = 2.0

ZONE_SECONDS: Final = 5.0


@final
class Clock:
    """Compares the wall clock with the monotonic clock."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def look(self) -> tuple[float, float]:
        """Returns the time, and by how many seconds the clock was stepped since the last call (0.0: not at all)."""
        now = self._wall()
        ahead = now - self._steady()
        moved = ahead - self._ahead
        self._ahead = ahead
        return now, moved if abs(moved) > STEP_SECONDS else 0.0


@final
class TimeZone:
    """Follows the machine's time zone, which the C library reads only once by default.

    Calls `changed` when the zone changes. Each look costs one stat(2).
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
