"""Books the bytes of flows: by device, owner and evidence, as the difference since the last flush.

Bytes wait in the flow until it is settled: its hello or Host header was seen, `HOLD_SECONDS` have passed, or it has
ended. They are then counted under the attribution known at that time and never moved. A stronger name that arrives
later applies to later bytes only.
"""

from typing import Final, final

from monitor.attribution.counters import Attribution, Tally
from monitor.attribution.devices import Device, Devices
from monitor.attribution.evidence import Attributor
from monitor.attribution.flows import Flow
from monitor.attribution.matches import PREFIX
from monitor.core.books.diary import Diary, add_name
from monitor.core.books.ledger import Ledger
from monitor.core.flow.blindness import blind_reason, bypass_method
from monitor.core.flow.losses import Losses
from monitor.core.verdict.blind_verdicts import is_left_open
from monitor.core.verdict.flow_judge import FlowJudge
from monitor.policy.groups import NO_GROUP, Groups
from monitor.policy.shared_prefixes import SHARED_PREFIX

HOLD_SECONDS: Final = 3.0


@final
class Accounting:
    """Counts flows. A new `epoch`, after a reload, makes every flow determine its attribution again."""

    __slots__ = ("attributor", "devices", "diary", "epoch", "groups", "judge", "ledger", "losses", "moved")

    def __init__(
        self, attributor: Attributor, devices: Devices, groups: Groups, ledger: Ledger, judge: FlowJudge, diary: Diary
    ) -> None:
        self.attributor = attributor
        self.devices = devices
        self.groups = groups
        self.ledger = ledger
        self.judge = judge
        self.diary = diary
        self.losses = Losses()
        self.epoch = 0
        self.moved: list[Device] = []

    def reload(self, groups: Groups) -> None:
        """Applies new groups and lists, and discards everything that was derived from the old ones."""
        self.groups = groups
        self.attributor.reload()
        self.epoch += 1

    def group_of(self, device: Device) -> str:
        group = device.group
        if not group:
            names = self.groups.all_of(device)
            group = names[0] if names else NO_GROUP
            device.group = group
            device.groups = tuple(names)
            device.excluding = tuple(self.groups.excluding(device))
            if self.judge.policy is not None:
                self.moved.append(device)
        return group

    def flush(self, flow: Flow, now: float) -> None:
        """Counts the flow's bytes since the last flush."""
        device = flow.device
        tally = flow.tally
        if device is None:
            return
        if tally is None or flow.epoch != self.epoch or tally.gone or tally.group != device.group:
            tally = self._place(flow, device, now)
        sent = flow.sent - flow.counted_sent
        returned = flow.returned - flow.counted_returned
        flow.counted_sent = flow.sent
        flow.counted_returned = flow.returned
        up = sent if flow.outbound else returned
        down = returned if flow.outbound else sent
        last = flow.last
        if last > tally.last:
            tally.last = last
            if last > device.last:
                device.last = last
        tally.up += up
        tally.down += down
        if self.diary.keeps:
            note = self.diary.note_of(tally, last)
            if note is not None:
                note.up += up
                note.down += down
                if last > note.last:
                    note.last = last
        series = tally.series
        series.up += up
        series.down += down
        destination = flow.destination
        if destination is not None:
            destination.up += up
            destination.down += down
        if flow.blind is not None:
            flow.blind.value += up + down
        if flow.watch is not None:
            self.judge.watching.count(flow, flow.watch)

    def attribution_of(self, flow: Flow, now: float) -> Attribution:
        """Returns the flow's attribution, cached until a hello, a Host header or a reload."""
        attribution = flow.attribution
        if attribution is None or flow.epoch != self.epoch:
            attribution = self.attributor.attribute(flow, now)
            flow.attribution = attribution
        return attribution

    def _place(self, flow: Flow, device: Device, now: float) -> Tally:
        """Finds the flow's tally and the other counters for its bytes."""
        remote = flow.remote
        if remote is not None and flow.epoch != self.epoch:
            remote = self.attributor.places.of(remote.address)
            flow.remote = remote
        if device.gone:
            device = self.devices.settle(device, flow.origin)
            flow.device = device
        group = self.group_of(device)
        attribution = self.attribution_of(flow, now)
        flow.epoch = self.epoch
        tally = self.ledger.tally(device, flow.origin, group, attribution, flow.start)
        flow.tally = tally
        if flow.start < tally.first:
            tally.first = flow.start
        if self.diary.keeps:
            self._write_down(flow, tally)
        if not flow.counted:
            flow.counted = True
            tally.flows += 1
            tally.series.flows += 1
        if remote is not None and not remote.local:
            flow.destination = self.ledger.destination(remote)
            self._look_for_blindness(flow, device, group, attribution, now)
            if self.judge.policy is not None:
                self.judge.watch(flow, device, now)
        return tally

    def _write_down(self, flow: Flow, tally: Tally) -> None:
        """Adds the flow's start and its name to the note of its tally."""
        note = self.diary.note_of(tally, flow.last)
        if note is not None:
            if not flow.counted:
                note.flows += 1
                note.first = min(note.first, flow.start)
            add_name(note, self.attributor.name_of(flow, tally.attribution.vendor))

    def review(self, flow: Flow, device: Device, now: float) -> None:
        """Judges the flow again after a change of bans or of the device's groups, and updates whether its bytes count
        as blind because of a ban.
        """
        group = self.group_of(device)
        attribution = self.attribution_of(flow, now)
        self.judge.review(flow, device, now)
        if attribution.evidence == PREFIX and flow.tally is not None and flow.destination is not None:
            self.flush(flow, now)
            self._look_for_blindness(flow, device, group, attribution, now)

    def _look_for_blindness(self, flow: Flow, device: Device, group: str, attribution: Attribution, now: float) -> None:
        method = bypass_method(flow, self.attributor.categories_of(flow))
        if method and not flow.bypass:
            flow.bypass = method
            self.ledger.bypass(group, method)
        reason = blind_reason(flow, method, attribution, self.losses)
        policy = self.judge.policy
        if not reason and policy is not None and is_left_open(policy, flow, device, attribution, now):
            reason = SHARED_PREFIX
        flow.blind = self.ledger.blind_cell(group, reason) if reason else None
