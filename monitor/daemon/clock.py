"""Notices that somebody has set the clock: by hand, or by the first answer of a time server after the start."""

import time
from collections.abc import Callable
from typing import Final, final

# What is less is a clock that is being slewed, or a daemon that had to wait between two looks.
STEP_SECONDS: Final = 2.0


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
