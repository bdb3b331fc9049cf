"""The heartbeat, which keeps bans in force and checks the table for drift."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.enforcement.table import KernelTable
from monitor.errors import MachineError
from monitor.periodic import Periodic

BEAT_SECONDS: Final = 1.0
# Checking a large table takes a while. If other programs change nftables all the time, checks may take this share of
# the time.
LOOK_SHARE: Final = 1 / 20
LOOK_SECONDS_MAX: Final = 60.0


@final
class Heartbeat:
    """Runs `beat` once a second while the kernel table exists. `sees` returns whether anything is captured. `holds` is
    False if the last renewal failed, so that bans open.
    """

    def __init__(self, loop: AbstractEventLoop, holding: KernelTable, sees: Callable[[], bool]) -> None:
        self._loop = loop
        self._holding = holding
        self._sees = sees
        self._timer = Periodic(loop, "renewing the bans", BEAT_SECONDS, self.beat)
        self._look_due = 0.0
        self.holds = True

    def start(self) -> None:
        self.holds = True
        self._timer.start()

    def stop(self) -> None:
        self.holds = True
        self._timer.stop()

    def look(self) -> None:
        """Checks the table now and begins its repair. Costs microseconds if no table was changed."""
        enforcer = self._holding.enforcer
        if enforcer is None:
            return
        began = self._loop.time()
        mended = self._holding.reconcile(enforcer)
        ended = self._loop.time()
        self._look_due = ended + min((ended - began) / LOOK_SHARE, LOOK_SECONDS_MAX)
        if mended:
            self._holding.complaints.settle()

    def beat(self) -> None:
        """Checks the table if a check is due, and renews the element whose timeout keeps the bans in force."""
        if self._loop.time() >= self._look_due:
            self.look()
        self._renew()

    def _renew(self) -> None:
        """Renews the bans if anything is captured. Otherwise, bans with `on_failure = "open"` soon stop blocking."""
        enforcer = self._holding.enforcer
        if enforcer is None or not self._sees():
            return
        try:
            renewed, reason = enforcer.renew_alive(), "the kernel refuses"
        except (OSError, MachineError) as error:
            renewed, reason = False, str(error)
        self.holds = renewed
        if not renewed:
            self._look_due = 0.0
            enforcer.complaints.append(f"bans open, because they cannot be renewed: {reason}")
        self._holding.tell(enforcer)
