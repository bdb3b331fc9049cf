"""Waiting for what comes within a moment, on a machine that may have other work."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

SLICE_SECONDS: Final = 0.02

Result = TypeVar("Result")


async def in_time(work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """What the work gives. Raises TimeoutError where that takes longer; the work has ended then.

    The seconds are those of a machine that has nothing else to do: a slice of them that this process gets too late
    counts as one all the same, so that other work makes nothing fail.
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
