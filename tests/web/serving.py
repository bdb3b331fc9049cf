"""A site on a port of its own, in a thread, for browsers and other clients."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monitor.web.http import HttpServer
from monitor.web.site import Site


@contextmanager
def served(status: Callable[[], bytes]) -> Iterator[str]:
    """The address of a site whose status page `status` makes."""

    async def render() -> bytes:
        return status()

    async def metrics() -> bytes:
        return b"a 1\n"

    started = threading.Event()
    ended: list[Callable[[], object]] = []
    port: list[int] = []

    async def run() -> None:
        server = HttpServer(Site(metrics, render, lambda: {"capture": ""}).answer)
        port.append(await server.start("127.0.0.1", 0))
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(end.set))
        started.set()
        await end.wait()
        await server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(30)
    try:
        yield f"http://127.0.0.1:{port[0]}/"
    finally:
        ended[0]()
        thread.join(30)
