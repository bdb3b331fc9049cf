"""Follows links, addresses and forwarding while the daemon runs: looks after each change, and never often.

Whoever starts and stops containers makes hundreds of changes a second, and gatewatch's own pairs make some too. So
changes only say that it is time to look, and what is looked at tells whether there is anything to do.
"""

import asyncio
from asyncio import AbstractEventLoop, Task, TimerHandle
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, final

from monitor.daemon.daemon import Daemon
from monitor.daemon.running import context_of
from monitor.errors import MachineError
from monitor.kernel.netlink.interfaces import LinkEvents, look_at_machine
from monitor.log import log

LOOK_SECONDS: Final = 0.2  # from one look to the next: the first change is seen at once, the last one soon
FAILED_SECONDS: Final = 5.0


@final
class NetworkWatcher:
    """`look` tells whether what bans stand on has changed, `adapt` puts them on the new ground.

    However many changes there are, one look waits at the most, and one `adapt` runs; what it missed is for the next.
    """

    def __init__(
        self, loop: AbstractEventLoop, links: LinkEvents, look: Callable[[], bool], adapt: Callable[[], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._links = links
        self._look = look
        self._adapt = adapt
        self._looked = loop.time() - LOOK_SECONDS
        self._timer: TimerHandle | None = None
        self._task: Task[None] | None = None
        self._wanted = False

    def start(self) -> None:
        self._loop.add_reader(self._links.fileno(), self._changed)

    def stop(self) -> None:
        """Looks no more; an `adapt` that runs comes to its end."""
        self._loop.remove_reader(self._links.fileno())
        self._wanted = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _changed(self) -> None:
        if self._links.read() and self._timer is None:
            self._look_in(max(0.0, self._looked + LOOK_SECONDS - self._loop.time()))

    def _look_in(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look_now)

    def _look_now(self) -> None:
        self._timer = None
        try:
            changed = self._look()
        except (OSError, MachineError) as error:
            log.warning("what has changed is not known yet: %s", error)
            self._look_in(FAILED_SECONDS)
            return
        finally:
            self._looked = self._loop.time()
        if changed:
            self._wanted = True
            if self._task is None or self._task.done():
                self._task = self._loop.create_task(self._adapted())

    async def _adapted(self) -> None:
        while self._wanted:
            self._wanted = False
            await self._adapt()


SETTLE_SECONDS: Final = 5.0  # from a change of links until what leads where is believed: routes follow addresses


@final
class LanWatch:
    """`follow` watches the LAN side as it has become."""

    def __init__(self, daemon: Daemon, follow: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._daemon = daemon
        self._follow = follow
        self._choosing: asyncio.TimerHandle | None = None
        self._network = NetworkWatcher(daemon.loop, daemon.kernel.links, self._look, self._adapt)

    def start(self) -> None:
        self._network.start()

    def stop(self) -> None:
        self._network.stop()
        if self._choosing is not None:
            self._choosing.cancel()

    def _look(self) -> bool:
        """Takes interfaces up that came back, and what is on-link as it is now; whether bans stand on other ground."""
        daemon = self._daemon
        machine = look_at_machine()
        daemon.turning.forget()
        changes = daemon.capture.refresh()
        daemon.turning.watch()
        for change in changes:
            log.warning("%s", change)
        if changes or machine != daemon.machine:
            daemon.stand_on(replace(daemon.running, machine=machine))
            if daemon.chooses() and self._choosing is None:
                self._choosing = daemon.loop.call_later(SETTLE_SECONDS, self._choose)
        context = context_of(daemon.running, daemon.capture, daemon.flows)
        return context != daemon.enforcement.ground or not daemon.enforcement.is_whole()

    def _choose(self) -> None:
        self._choosing = None
        self._daemon.begin(self._follow())

    async def _adapt(self) -> None:
        daemon = self._daemon
        await daemon.enforcement.look_again(context_of(daemon.running, daemon.capture, daemon.flows))
