"""Repeats work on the event loop at a fixed interval."""

from asyncio import AbstractEventLoop, Task, TimerHandle
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, final

from monitor.log import log

Act: TypeAlias = Callable[[], Coroutine[Any, Any, None] | None]


@final
class Periodic:
    """Calls `act` every `seconds` between `start` and `stop`.

    If `act` returns a coroutine, it runs as a task; calls due before the task ends are skipped. An error of `act` is
    logged once, until `act` succeeds again, and does not stop the calls. `what` names the work in the log.
    """

    def __init__(self, loop: AbstractEventLoop, what: str, seconds: float, act: Act) -> None:
        self._loop = loop
        self._what = what
        self._seconds = seconds
        self._act = act
        self._timer: TimerHandle | None = None
        self._task: Task[None] | None = None
        self._fault = ""

    def start(self, first: float | None = None) -> None:
        """Starts or restarts the timer: the next call is in `first` seconds, by default after the interval."""
        self.stop()
        self._timer = self._loop.call_later(self._seconds if first is None else first, self._call)

    def every(self, seconds: float) -> None:
        """Sets another interval and calls at once; 0 stops."""
        self._seconds = seconds
        if seconds:
            self.start(0.0)
        else:
            self.stop()

    def stop(self) -> None:
        """Cancels the next call. A running coroutine completes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call(self) -> None:
        self._timer = self._loop.call_later(self._seconds, self._call)
        if self._task is not None:
            return
        try:
            work = self._act()
        except Exception as error:
            self._note(error)
            return
        if work is None:
            self._note(None)
            return
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._end)

    def _end(self, task: Task[None]) -> None:
        self._task = None
        if not task.cancelled():
            self._note(task.exception())

    def _note(self, error: BaseException | None) -> None:
        fault = repr(error) if error is not None else ""
        if fault and fault != self._fault:
            log.error("%s failed and is tried again in %g s: %s", self._what, self._seconds, fault)
        self._fault = fault
