"""Timeouts that tolerate a busy machine."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

SLICE_SECONDS: Final = 0.02

Result = TypeVar("Result")


async def in_time(work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """Returns the result of the work. Raises TimeoutError if it takes longer, and then cancels the work.

    `seconds` applies to an idle machine. It is counted in slices, and a slice counts once even if this process
    resumes late, so that load on the machine causes no timeout.
    """
    task = asyncio.ensure_future(work)
    try:
        for _ in range(round(seconds / SLICE_SECONDS)):
            done, _ = await asyncio.wait({task}, timeout=SLICE_SECONDS)
            if done:
                return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    raise TimeoutError
