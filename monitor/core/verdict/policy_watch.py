"""Detects changes of the bans in force and of the devices' groups, and judges live flows again."""

from typing import final

from monitor.attribution.devices import Devices
from monitor.attribution.flow_table import FlowTable
from monitor.core.books.accounting import Accounting
from monitor.core.effects import PolicyChanged
from monitor.core.flow.following import Following
from monitor.core.reporter import Reporter
from monitor.core.verdict.flow_judge import FlowJudge
from monitor.core.verdict.replacement import Replacement


@final
class PolicyWatch:
    """Compares the policy's version and the devices' groups with those of the last check."""

    __slots__ = ("_accounting", "_devices", "_following", "_judge", "_reporter", "_table", "_version", "replacement")

    def __init__(
        self, judge: FlowJudge, accounting: Accounting, devices: Devices, table: FlowTable, reporter: Reporter
    ) -> None:
        self._judge = judge
        self._accounting = accounting
        self._devices = devices
        self._table = table
        self._reporter = reporter
        self._following = Following(devices)
        self.replacement = Replacement(devices, accounting, reporter)
        self._version = -1

    def restart(self) -> None:
        """Makes the next check treat everything as changed, after another policy was set."""
        self._version = -1

    def look(self, now: float) -> None:
        # Bans: compare the policy's version.
        judge = self._judge
        policy = judge.policy
        if policy is not None:
            policy.refresh(now)
            judge.usage.look(now)
        version = policy.version if policy is not None else 0
        changed = version != self._version
        self._version = version
        # Groups: `moved` collects the devices whose groups were determined since the last check.
        for device in self._devices.everyone.values():
            if not device.group:
                self._accounting.group_of(device)
        if policy is not None:
            self.replacement.look(policy, now)
        moved = self._accounting.moved
        self._accounting.moved = []
        news = self._following.look(moved)
        for follow in news:
            self._reporter.put(follow)
        # The kernel gets another table before any kill of the new bans.
        if changed:
            judge.expect()
            self._reporter.put(PolicyChanged(now))
        # Other bans concern all flows, other members concern the flows of these devices.
        if changed or news:
            numbers = {follow.number for follow in news}
            gone = judge.release(now, None if changed else numbers)
            self._review(numbers, changed, gone, now)

    def _review(self, numbers: set[int], everyone: bool, gone: frozenset[bytes], now: float) -> None:
        """Judges the live flows of the devices `numbers`, or of all devices. Flows in `gone` are no longer killed."""
        for flow in list(self._table.forward.values()):
            device = flow.device
            if device is not None and (everyone or device.number in numbers):
                if flow.key in gone:
                    flow.watch = None
                self._accounting.review(flow, device, now)
