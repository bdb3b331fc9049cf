"""Bytes of flows under bans: leaked bytes of flows that pass, blocked bytes of flows that were killed.

For a killed flow only two things are counted: bytes that conntrack reports after the kill, and late answers, which are
killed flows whose server still returned data.
"""

from typing import final

from monitor.attribution.counters import Attribution, Cell, Traffic, Watch
from monitor.attribution.flows import Flow
from monitor.core.verdict.sni_answers import empty_bytes, has_passed


@final
class BanBytes:
    """Adds to the cells of the ban counters. `late` counts late answers.

    If `counts_packets`, the bytes of a flow grow with each packet; otherwise conntrack reports them later.
    """

    __slots__ = ("_counts_packets", "_late")

    def __init__(self, counts_packets: bool, late: Cell) -> None:
        self._counts_packets = counts_packets
        self._late = late

    def leak(self, flow: Flow, attribution: Attribution, version: int, leak: Traffic, sent: int, returned: int) -> None:
        """Starts to count in `leak` the bytes that the flow passes beyond `sent` and `returned`."""
        watch = Watch(attribution, version)
        watch.leak = leak
        watch.sent, watch.returned = sent, returned
        flow.watch = watch

    def kill(self, flow: Flow, attribution: Attribution) -> None:
        """Marks the flow as killed."""
        flow.watch = Watch(attribution, 0)
        flow.watch.killed = True

    def block(self, flow: Flow, blocked: Cell) -> None:
        """Counts the bytes of a killed flow up to its ClientHello as blocked.

        If conntrack counts bytes, these bytes are not known yet: `count` adds them later.
        """
        watch = flow.watch
        if watch is None:
            return
        watch.blocked = blocked
        if self._counts_packets:
            blocked.value += flow.sent + flow.returned
            watch.sent, watch.returned, watch.packets_returned = flow.sent, flow.returned, flow.packets_returned

    def count(self, flow: Flow, watch: Watch) -> None:
        """Counts the bytes of a watched flow since the last call."""
        if watch.killed:
            self._count_killed(flow, watch)
            return
        leak = watch.leak
        if leak is None or not has_passed(flow):
            return
        sent, returned = flow.sent - watch.sent, flow.returned - watch.returned
        leak.up += sent if flow.outbound else returned
        leak.down += returned if flow.outbound else sent
        watch.sent, watch.returned = flow.sent, flow.returned
        note = flow.tally.note if flow.tally is not None else None
        if note is not None and not note.taken:
            note.leaked += sent + returned

    def _count_killed(self, flow: Flow, watch: Watch) -> None:
        blocked = watch.blocked
        if blocked is None:
            return
        returned = flow.returned - watch.returned
        packets = flow.packets_returned - watch.packets_returned
        if not watch.late and returned > packets * empty_bytes(flow):
            watch.late = True
            self._late.value += 1
        if not self._counts_packets:
            blocked.value += flow.sent - watch.sent + returned
        watch.sent, watch.returned, watch.packets_returned = flow.sent, flow.returned, flow.packets_returned
