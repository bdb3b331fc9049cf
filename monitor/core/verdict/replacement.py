"""Detects devices that may have changed their MAC to evade a ban: a new device appears and a banned one disappears.

Traffic cannot prove that the two are one device. A pair is reported if a device with a locally administered MAC appears
on an interface where a device under an enforced group ban was seen within `RECENT_SECONDS`, the ban does not apply to
the new device, and the old device is not seen again for `SILENT_SECONDS`. A report neither bans nor frees a device.
"""

from typing import Final, final

from monitor.attribution.devices import Device, Devices, is_random_mac
from monitor.attribution.evidence import NOBODY
from monitor.core.books.accounting import Accounting
from monitor.core.flow.blindness import MAC_CHANGE
from monitor.core.reporter import Reporter
from monitor.model import flow_key
from monitor.policy.ban import ENFORCE, Ban
from monitor.policy.policy import BLOCK, Policy, Verdict, holds

RECENT_SECONDS: Final = 600.0
SILENT_SECONDS: Final = 120.0
# Maximum of new devices per check, and of pairs that wait for the old device to reappear.
NEW_MAX: Final = 64
WAITING_MAX: Final = 256
DEVICE: Final = "device"


@final
class Suspicion:
    """A pair of devices that may be one: `ban` applied to `old`, and `new` appeared at `since` with another MAC."""

    __slots__ = ("ban", "new", "old", "since")

    def __init__(self, old: Device, new: Device, ban: Ban, since: float) -> None:
        self.old = old
        self.new = new
        self.ban = ban
        self.since = since


@final
class Replacement:
    """Checks new devices. At most `WAITING_MAX` pairs are undecided. `evictions` counts unchecked devices."""

    __slots__ = ("_accounting", "_devices", "_last_number", "_reporter", "_waiting", "evictions")

    def __init__(self, devices: Devices, accounting: Accounting, reporter: Reporter) -> None:
        self._devices = devices
        self._accounting = accounting
        self._reporter = reporter
        self._last_number = devices.last_number
        self._waiting: dict[int, Suspicion] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self, policy: Policy, now: float) -> None:
        newest = self._devices.last_number
        found = 0
        for number in range(self._last_number + 1, newest + 1):
            device = self._devices.everyone.get(number)
            if device is not None and is_random_mac(device.mac):
                found += 1
                if found > NEW_MAX:
                    self.evictions += 1
                else:
                    self._suspect(policy, device)
        self._last_number = newest
        self._settle(now)

    def _suspect(self, policy: Policy, new: Device) -> None:
        bans = [ban for ban in policy.active if ban.mode == ENFORCE and ban.groups and not holds(ban, new.groups)]
        if not bans:
            return
        for old in self._devices.everyone.values():
            if len(self._waiting) >= WAITING_MAX:
                self.evictions += 1
                return
            if old is new or not old.mac or old.interface != new.interface or old.number in self._waiting:
                continue
            if not new.first - RECENT_SECONDS <= old.last <= new.first:
                continue
            for ban in bans:
                if holds(ban, old.groups):
                    self._waiting[old.number] = Suspicion(old, new, ban, new.first)
                    break

    def _settle(self, now: float) -> None:
        """Reports the pairs whose old device stayed away, and drops the pairs whose old device reappeared."""
        for number, one in list(self._waiting.items()):
            if one.old.last > one.since or one.old.gone or one.new.gone:
                del self._waiting[number]
            elif now - one.since >= SILENT_SECONDS:
                del self._waiting[number]
                self._note(one)

    def _note(self, one: Suspicion) -> None:
        group = self._accounting.group_of(one.old)
        self._accounting.ledger.bypass(group, MAC_CHANGE)
        verdict = Verdict(one.ban, one.ban.mode, BLOCK, "")
        name = self._reporter.naming.text_of(one.new).encode("ascii", "replace")
        key = flow_key(*ends_of(one.old, one.new), 0, 0, 0)
        self._reporter.suspect(one.since, key, one.old, group, NOBODY, verdict, DEVICE, name)


def ends_of(old: Device, new: Device) -> tuple[bytes, bytes]:
    """Returns one address of each device, both of one family; unspecified addresses if the families differ."""
    for size in (4, 16):
        first = [address for address in old.addresses if len(address) == size]
        second = [address for address in new.addresses if len(address) == size]
        if first and second:
            return first[0], second[0]
    return bytes(4), bytes(4)
