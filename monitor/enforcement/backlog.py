"""Changes of the table that wait for their turn: a large policy must not hold up the loop while it is being loaded."""

from asyncio import AbstractEventLoop, Event
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, final

from monitor.policy.table.change import Change
from monitor.policy.table.portions import portions

# At a time; a portion more may come on top.
WORK_SECONDS: Final = 0.03
# More than so many portions do not begin before the loop has turned: finding out what they are took time, too.
AT_ONCE_MAX: Final = 8


@final
class Backlog:
    """In order, what fits at once and the rest while the loop turns; `perform` does one portion.

    Between the portions may stand what else is to be done when it is its turn.

    `seconds` is how long it took the last time until nothing waited, from when the changes were wanted.
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
        """How many portions wait, and what stands between them."""
        return len(self._waiting)

    def add(self, changes: Sequence[Change], wanted: float) -> None:
        """`wanted` is the loop's time since when they are."""
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
        """Does something else once what waits now is done: at once where nothing waits."""
        if self._waiting:
            self._waiting.append(act)
        else:
            act()

    def next(self, act: Callable[[], None]) -> None:
        """Does something else as the next thing, before all that waits."""
        self._waiting.appendleft(act)
        if not self._scheduled and not self._working:
            self._rest(worked=False)

    async def done(self) -> None:
        """Once nothing waits."""
        await self._empty.wait()

    def clear(self) -> None:
        """Forgets what waits."""
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
        """Goes on with what waits when the loop has turned; a portion that failed holds up nobody who waits for all."""
        if self._waiting:
            self._empty.clear()
            self._scheduled = True
            self._loop.call_later(0.0, self._work)  # `call_soon` would let no timer of others in between
            return
        if worked:
            self.seconds = self._loop.time() - self._began
        self._empty.set()
