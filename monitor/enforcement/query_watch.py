"""Looks again, while questions are diverted, whether those that are not banned get through.

It looks only where some got no answer since the last look: a client may ask a resolver that is not there, so that alone
disarms nothing, and costs one question more each time.
"""

from asyncio import AbstractEventLoop, Task, TimerHandle
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, final

from monitor.enforcement.sinkhole import SinkholeService
from monitor.selftest.check import Check

LOOK_SECONDS: Final = 10.0

Take: TypeAlias = Callable[[Sequence[Check]], Awaitable[None]]


@final
class QuestionWatch:
    """`take` gets what each look has found."""

    def __init__(
        self, loop: AbstractEventLoop, answers: SinkholeService, take: Callable[[Sequence[Check]], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._answers = answers
        self._take = take
        self._timer: TimerHandle | None = None
        self._looking: Task[None] | None = None
        self._lost = 0

    def start(self) -> None:
        self.stop()
        self._lost = self._answers.lost()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        lost, self._lost = self._lost, self._answers.lost()
        if self._answers.armed and self._lost > lost and (self._looking is None or self._looking.done()):
            self._looking = self._loop.create_task(self._try())

    async def _try(self) -> None:
        await self._take(await self._answers.try_passing())
