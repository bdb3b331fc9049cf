"""Looks again, while questions are diverted, whether those that are not banned get through.

It looks only where some got no answer since the last look: a client may ask a resolver that is not there, so that alone
disarms nothing, and costs one question more each time.
"""

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, final

from monitor.enforcement.sinkhole import SinkholeService
from monitor.periodic import Periodic
from monitor.selftest.check import Check

LOOK_SECONDS: Final = 10.0


@final
class QuestionWatch:
    """`take` gets what each look has found."""

    def __init__(
        self, loop: AbstractEventLoop, answers: SinkholeService, take: Callable[[Sequence[Check]], Awaitable[None]]
    ) -> None:
        self._answers = answers
        self._take = take
        self._lost = 0
        self._timer = Periodic(loop, "looking for queries without an answer", LOOK_SECONDS, self._look)

    def start(self) -> None:
        self._lost = self._answers.lost()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> Coroutine[Any, Any, None] | None:
        lost, self._lost = self._lost, self._answers.lost()
        return self._try() if self._answers.armed and self._lost > lost else None

    async def _try(self) -> None:
        await self._take(await self._answers.try_passing())
