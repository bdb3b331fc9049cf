"""Measures how long the event loop was blocked, by the lateness of a timer."""

from asyncio import AbstractEventLoop
from typing import Final, final

BEAT_SECONDS: Final = 0.1
SLOT_SECONDS: Final = 10.0
SLOTS: Final = 6


@final
class Stall:
    """The longest delay of the event loop in the last minute: the maximum of six slots of ten seconds."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._slots = [0.0] * SLOTS
        self._slot = 0
        self._due = 0.0

    def start(self) -> None:
        self._due = self._loop.time() + BEAT_SECONDS
        self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        now = self._loop.time()
        self.note(now, now - self._due)
        self.start()

    def note(self, now: float, late: float) -> None:
        slot = int(now / SLOT_SECONDS)
        if slot > self._slot:
            for passed in range(max(self._slot + 1, slot - SLOTS + 1), slot + 1):
                self._slots[passed % SLOTS] = 0.0
            self._slot = slot
        self._slots[slot % SLOTS] = max(self._slots[slot % SLOTS], late)

    def seconds(self) -> float:
        return max(self._slots)
