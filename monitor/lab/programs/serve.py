"""The life cycle of a lab server: prints `ready` when it listens, ends when the lab closes its standard input."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

READY = "ready"


def serve(start: Callable[[], Awaitable[object]]) -> None:
    """Run `start`, announce that it listens, and stay until the lab ends or closes the pipe."""
    asyncio.run(stay(start))


async def stay(start: Callable[[], Awaitable[object]]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # Whatever becomes of the lab, the kernel closes its end of the pipe.
    loop.add_reader(sys.stdin.fileno(), ended.set)
    # What `start` returns is kept alive until the end.
    listening = await start()
    print(READY, flush=True)
    await ended.wait()
    del listening
