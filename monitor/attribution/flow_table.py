"""Stores flows by the key of either direction, with a timer wheel for their time-outs.

A flow is in the slot of the time at which it would end without further packets. When the wheel reaches the slot and
packets have arrived since, the flow moves to its new slot: packets themselves move no flow. If the table is full, the
flow that would end first is dropped, so that a flood of half-open flows evicts these and not established flows.
"""

from typing import Final, final

from monitor.attribution.flows import Flow

SLOT_SECONDS: Final = 4.0
# Marks a flow that is being removed: it may be in a slot twice, if its time-out changed back and forth.
TAKEN: Final = -1
SLOTS: Final = 1024
# Flows that ended early stay in their slots until the wheel reaches them, at most as many as live ones plus this
# number.
ENDED_MAX: Final = 4096


@final
class FlowTable:
    """At most `limit` flows. The wheel turns with the time passed in, never back."""

    __slots__ = ("_ended", "backward", "evictions", "forward", "limit", "slot", "slots", "tagged")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.forward: dict[bytes, Flow] = {}
        self.backward: dict[bytes, Flow] = {}
        # Flows with a tag, by the keys of both directions without the tag.
        self.tagged: dict[bytes, Flow] = {}
        self.slots: list[list[Flow]] = [[] for _ in range(SLOTS)]
        self.slot = 0
        self.evictions = 0
        self._ended = 0

    def start(self, now: float) -> None:
        """Sets the wheel of an empty table to the time of the first observation."""
        self.slot = int(now / SLOT_SECONDS)

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that flows keep their age."""
        self.slot += int(seconds / SLOT_SECONDS)
        self.slots = [[] for _ in range(SLOTS)]
        for flow in self.forward.values():
            flow.start += seconds
            flow.last += seconds
            flow.asked += seconds
            self.schedule(flow)

    def find(self, key: bytes) -> Flow | None:
        """Returns the flow to which a packet of this key belongs, in either direction."""
        flow = self.forward.get(key)
        return flow if flow is not None else self.backward.get(key)

    def add(self, flow: Flow) -> None:
        """Adds a flow whose keys no other flow has. The caller makes room first."""
        self._enter(flow)
        self.schedule(flow)

    def remove(self, flow: Flow) -> None:
        flow.ended = True
        self._leave(flow)
        self._ended += 1
        if self._ended > len(self.forward) + ENDED_MAX:
            self._tidy()

    def turn_round(self, flow: Flow) -> None:
        """Swaps client and server."""
        self._leave(flow)
        flow.key, flow.back = flow.back, flow.key
        flow.tag, flow.back_tag = flow.back_tag, flow.tag
        flow.sent, flow.returned = flow.returned, flow.sent
        flow.packets_sent, flow.packets_returned = flow.packets_returned, flow.packets_sent
        flow.counted_sent, flow.counted_returned = flow.counted_returned, flow.counted_sent
        flow.next_sent, flow.next_returned = flow.next_returned, flow.next_sent
        self._enter(flow)

    def find_on_other_tag(self, key: bytes, tag: bytes) -> Flow | None:
        """Returns the flow of a packet whose direction has no known tag yet, while the other direction
        has another tag.
        """
        flow = self.tagged.get(key)
        if flow is None and tag:
            flow = self.find(key)
        if flow is None:
            return None
        is_forward = flow.key == key
        if flow.packets_sent if is_forward else flow.packets_returned:
            return None
        self._leave(flow)
        if is_forward:
            flow.tag = tag
        else:
            flow.back_tag = tag
        self._enter(flow)
        return flow

    def _enter(self, flow: Flow) -> None:
        if len(flow.tag) == 0 and len(flow.back_tag) == 0:
            self.forward[flow.key] = flow
            self.backward[flow.back] = flow
            return
        self.forward[flow.key + flow.tag] = flow
        self.backward[flow.back + flow.back_tag] = flow
        self.tagged[flow.key] = flow
        self.tagged[flow.back] = flow

    def _leave(self, flow: Flow) -> None:
        if len(flow.tag) == 0 and len(flow.back_tag) == 0:
            del self.forward[flow.key]
            del self.backward[flow.back]
            return
        del self.forward[flow.key + flow.tag]
        del self.backward[flow.back + flow.back_tag]
        for key in (flow.key, flow.back):
            if self.tagged.get(key) is flow:
                del self.tagged[key]

    def schedule(self, flow: Flow) -> None:
        """Puts the flow into the slot of its time-out. The longest time-out fits into the wheel."""
        slot = int((flow.last + flow.patience()) / SLOT_SECONDS) + 1
        if slot <= self.slot:
            slot = self.slot + 1
        elif slot >= self.slot + SLOTS:
            slot = self.slot + SLOTS - 1
        flow.slot = slot
        self.slots[slot % SLOTS].append(flow)

    def turn(self, now: float) -> list[Flow]:
        """Moves the wheel to `now` and returns the flows whose time-out has passed; the caller ends them."""
        over: list[Flow] = []
        target = int(now / SLOT_SECONDS)
        if target - self.slot >= SLOTS:
            self._leap(target, now, over)
        while self.slot < target:
            self.slot += 1
            self._sift(self.slot, now, over)
        return over

    def oldest(self, count: int) -> list[Flow]:
        """Returns up to `count` flows that would end first; the caller ends them."""
        chosen: list[Flow] = []
        for step in range(1, SLOTS):
            self._pick(self.slot + step, count, step == SLOTS - 1, chosen)
            if len(chosen) >= count:
                break
        return chosen

    def _pick(self, slot: int, count: int, is_last: bool, chosen: list[Flow]) -> None:
        """Moves the flows of one slot to `chosen`. Reschedules flows with newer packets, except in the last slot."""
        flows = self.slots[slot % SLOTS]
        at = 0
        while at < len(flows) and len(chosen) < count:
            flow = flows[at]
            at += 1
            if flow.ended or flow.slot != slot:
                continue
            if not is_last and int((flow.last + flow.patience()) / SLOT_SECONDS) + 1 > slot:
                self.schedule(flow)
            else:
                flow.slot = TAKEN
                chosen.append(flow)
        del flows[:at]

    def _leap(self, target: int, now: float, over: list[Flow]) -> None:
        """Checks every flow once, because time advanced further than the length of the wheel."""
        self.slot = target
        self.slots = [[] for _ in range(SLOTS)]
        for flow in self.forward.values():
            if flow.last + flow.patience() > now:
                self.schedule(flow)
            else:
                flow.slot = TAKEN
                over.append(flow)

    def _tidy(self) -> None:
        """Removes ended flows from the wheel: conntrack's flows end long before their time-out."""
        self._ended = 0
        for place, flows in enumerate(self.slots):
            if flows:
                self.slots[place] = [flow for flow in flows if not flow.ended]

    def _sift(self, slot: int, now: float, over: list[Flow]) -> None:
        """Empties a slot: flows with newer packets are rescheduled, the others have ended."""
        place = slot % SLOTS
        flows = self.slots[place]
        if not flows:
            return
        self.slots[place] = []
        for flow in flows:
            if flow.ended or flow.slot != slot:
                continue
            if flow.last + flow.patience() > now:
                self.schedule(flow)
            else:
                flow.slot = TAKEN
                over.append(flow)
