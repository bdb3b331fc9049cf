"""Follows changes of links, addresses and routes: which interfaces are captured, and what bans are planned from."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, final

from monitor.daemon.daemon import Daemon
from monitor.daemon.network_watch import NetworkWatcher
from monitor.daemon.running import context_of
from monitor.kernel.netlink.interfaces import look_at_machine
from monitor.log import log

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
