"""Follows links, addresses and forwarding while the daemon runs; looks after each change, at a limited rate.

Starting and stopping containers makes hundreds of changes a second, and gatewatch's own veth pairs make some too. An
event therefore only triggers a look, and the look determines whether there is anything to do.
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

LOOK_SECONDS: Final = 0.2  # minimum between two looks: the first change is handled at once, the last one soon after
FAILED_SECONDS: Final = 5.0


@final
class NetworkWatcher:
    """Calls `look` after link events. If it returns True, the state that bans depend on has changed, and `adapt` runs.

    At most one look is pending and one `adapt` is running. If a change arrives meanwhile, `adapt` runs once more.
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
        """Stops looking; a running `adapt` completes."""
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


SETTLE_SECONDS: Final = 5.0  # between a link change and choosing the LAN side again: routes follow addresses


@final
class LanWatch:
    """Follows changes of the network; calls `follow` when the LAN side may have changed."""

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
        """Captures returned interfaces again and updates on-link prefixes. Returns whether enforcement must adapt."""
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
