"""Logs error lines that repeat once per interval, and keeps the last one for `/healthz`."""

import time
from typing import Final, final

from monitor.log import log

REPEAT_SECONDS: Final = 300.0
STANDING_SECONDS: Final = 60.0
KEPT_MAX: Final = 64


@final
class Faults:
    """Logs a repeated line only once in `REPEAT_SECONDS`, and keeps the last line for `STANDING_SECONDS`."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._last = ""
        self._heard = 0.0

    def take(self, lines: list[str]) -> None:
        now = time.monotonic()
        for line in lines:
            self._last, self._heard = line, now
            if now - self._told.get(line, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                log.error("%s", line)
                self._told.pop(line, None)
                self._told[line] = now
                if len(self._told) > KEPT_MAX:
                    del self._told[next(iter(self._told))]

    def settle(self) -> None:
        """Clears the last error line, because its cause has been repaired."""
        self._last = ""

    def standing(self) -> str:
        """Returns the last error line if it occurred in the last `STANDING_SECONDS`, else ""."""
        return self._last if self._last and time.monotonic() - self._heard < STANDING_SECONDS else ""
