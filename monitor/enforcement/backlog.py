"""Pending changes of the table, applied in portions: loading a large policy must not block the event loop."""

from asyncio import AbstractEventLoop, Event
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, final

from monitor.policy.table.change import Change
from monitor.policy.table.portions import portions

# Maximum per turn of the loop, exceeded by at most one portion.
WORK_SECONDS: Final = 0.03
# A longer backlog starts in the next turn of the loop, because computing the changes already took time.
AT_ONCE_MAX: Final = 8


@final
class Backlog:
    """Applies changes in order, a few at once and the rest over several turns of the loop. `perform` applies a portion.

    Callbacks may be queued between the portions. `seconds` is the time from the request for the last changes until all
    of them were applied.
    """

    def __init__(self, loop: AbstractEventLoop, perform: Callable[[Sequence[Change]], None]) -> None:
        self._loop = loop
        self._perform = perform
        self._waiting: deque[list[Change] | Callable[[], None]] = deque()
        self._scheduled = False
        self._working = False
        self._empty = Event()
        self._empty.set()
        self._began = 0.0
        self.seconds = 0.0

    def __len__(self) -> int:
        """Returns the number of pending portions and callbacks."""
        return len(self._waiting)

    def add(self, changes: Sequence[Change], wanted: float) -> None:
        """Adds changes. `wanted` is the loop time at which they were requested."""
        if changes and not self._waiting:
            self._began = wanted
        self._waiting.extend(portions(changes))
        if self._scheduled:
            return
        if len(self._waiting) > AT_ONCE_MAX:
            self._rest(worked=False)
        else:
            self._work()

    def then(self, act: Callable[[], None]) -> None:
        """Calls `act` after everything that is pending now, at once if nothing is pending."""
        if self._waiting:
            self._waiting.append(act)
        else:
            act()

    def next(self, act: Callable[[], None]) -> None:
        """Calls `act` in the next turn of the loop, before everything that is pending."""
        self._waiting.appendleft(act)
        if not self._scheduled and not self._working:
            self._rest(worked=False)

    async def done(self) -> None:
        """Waits until nothing is pending."""
        await self._empty.wait()

    def clear(self) -> None:
        """Discards everything that is pending."""
        self._waiting.clear()
        self._empty.set()

    def _work(self) -> None:
        self._scheduled = False
        self._working = True
        until = self._loop.time() + WORK_SECONDS
        worked = bool(self._waiting)
        try:
            while self._waiting:
                one = self._waiting.popleft()
                if callable(one):
                    one()
                else:
                    self._perform(one)
                if self._loop.time() >= until:
                    break
        finally:
            self._working = False
            self._rest(worked)

    def _rest(self, worked: bool) -> None:
        """Schedules the rest for the next turn of the loop. A failed portion does not block callers of `done`."""
        if self._waiting:
            self._empty.clear()
            self._scheduled = True
            self._loop.call_later(0.0, self._work)  # with `call_soon` no other timer would run in between
            return
        if worked:
            self.seconds = self._loop.time() - self._began
        self._empty.set()
