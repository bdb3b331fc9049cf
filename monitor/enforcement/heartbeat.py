"""What has to be done again and again for bans to hold: say that the daemon lives, and look after the table."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.enforcement.table import KernelTable
from monitor.errors import MachineError
from monitor.periodic import Periodic

BEAT_SECONDS: Final = 1.0
# A look at all of a large table takes a while: where somebody else changes nftables without a pause, it may take this
# share of the time.
LOOK_SHARE: Final = 1 / 20
LOOK_SECONDS_MAX: Final = 60.0


@final
class Heartbeat:
    """Once a second while the table is held. `sees` tells whether the daemon sees anything. `holds`: bans are not
    opening for want of a renewal that the kernel refused.
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
        """Puts back at once what somebody else took away: costs microseconds where nobody touched any table."""
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
        """Looks at the table where that is due, and renews the bans."""
        if self._loop.time() >= self._look_due:
            self.look()
        self._renew()

    def _renew(self) -> None:
        """Nothing is renewed by a daemon that sees nothing: its bans open."""
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
