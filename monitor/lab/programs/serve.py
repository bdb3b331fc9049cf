"""The life cycle of a lab server: prints `ready` once it listens, and ends when the lab closes its standard input."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

READY = "ready"


def serve(start: Callable[[], Awaitable[object]]) -> None:
    """Runs `start`, announces that the server listens, and runs until the lab ends or closes the pipe."""
    asyncio.run(stay(start))


async def stay(start: Callable[[], Awaitable[object]]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # The kernel closes the lab's end of the pipe even if the lab is killed.
    loop.add_reader(sys.stdin.fileno(), ended.set)
    # Keeps the result of `start` alive until the end.
    listening = await start()
    print(READY, flush=True)
    await ended.wait()
    del listening
