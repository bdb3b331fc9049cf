"""The flow table: flows by the key of either direction, and a wheel that says whose time is up.

A flow sits in the slot of the time at which it would end if nothing more came. When the wheel gets there and more has
come, it moves on to its new slot: a packet costs no move. When the table is full, whoever would end soonest
goes first, so that a flood of half-open flows pushes out itself and not what is established.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.attribution.counters import Attribution, Cell, Destination, Tally, Watch
from monitor.attribution.devices import Device
from monitor.attribution.memory import Claim
from monitor.attribution.places import Place
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP

SLOT_SECONDS: Final = 4.0
# Of a flow that is on its way out: it may stand in a slot twice, when its patience went back and forth.
TAKEN: Final = -1
SLOTS: Final = 1024
# Flows that ended before their time stand in their slots until the wheel comes there, at most as many as live ones and
# so many more.
ENDED_MAX: Final = 4096

OPENING_SECONDS: Final = 30.0
ESTABLISHED_SECONDS: Final = 3600.0
# A connection with a name is kept as long as Linux keeps it (nf_conntrack_tcp_timeout_established): phones let theirs
# rest for hours, and the name is not said again.
NAMED_SECONDS: Final = 432_000.0
CLOSING_SECONDS: Final = 10.0
DATAGRAM_SECONDS: Final = 30.0
EXCHANGE_SECONDS: Final = 120.0
DNS_SECONDS: Final = 10.0
CONNTRACK_SECONDS: Final = 900.0

OPENING: Final = 0
ESTABLISHED: Final = 1
CLOSED: Final = 2
RESET: Final = 3

NO_HELLO: Final = 0
TLS_HELLO: Final = 1
QUIC_HELLO: Final = 2
HTTP_HOST: Final = 3


@mypyc_attr(acyclic=True)
@final
class Flow:
    """One connection, or what stands for one. `key` leads from client to server, `back` the other way.

    `sent` are bytes from the client, `returned` from the server; `counted_*` are those that counters already have.
    `device` is the end that the flow is counted for, `remote` the other; `outbound` says that the device is the
    client. `decoy` says that two hellos or requests were read in one place of its stream. `inherited` is the name of
    the connection that the flow continues from another port (`b""`: none). `settled` means that nothing better is
    awaited before its bytes are attributed. `question` is the id of a DNS question that waits since `asked` (-1: none
    does). `watch` is there where a ban is about the flow.

    Of TCP: `initial` is the client's SYN number, `next_sent` and `next_returned` are the sequence numbers that come
    next, `again` a later SYN of the client with another number and its bytes `again_length`; -1 where not seen. `tag`
    is what tells the flow from others with the same key, such as a VLAN (`b""`: nothing).
    """

    __slots__ = (
        "again", "again_length", "application", "asked", "attribution", "back", "blind", "bypass", "claim",
        "connection", "counted", "counted_returned", "counted_sent", "decoy", "destination", "device", "dirty", "ech",
        "ended", "epoch", "fins", "hello", "host", "inherited", "initial", "key", "last", "method", "midstream",
        "next_returned", "next_sent", "number", "origin",
        "outbound", "packets_returned", "packets_sent", "port", "protocol", "question", "remote", "returned", "sent",
        "settled", "slot", "start", "state", "tag", "tally", "watch",
    )  # fmt: skip

    def __init__(self, key: bytes, back: bytes, protocol: int, port: int, now: float) -> None:
        self.key = key
        self.back = back
        self.protocol = protocol
        self.port = port
        self.start = now
        self.last = now
        self.number = 0
        self.sent = 0
        self.returned = 0
        self.packets_sent = 0
        self.packets_returned = 0
        self.counted_sent = 0
        self.counted_returned = 0
        self.state = OPENING
        self.fins = 0
        self.initial = -1
        self.again = -1
        self.again_length = 0
        self.next_sent = -1
        self.next_returned = -1
        self.tag = b""
        self.slot = -1
        self.ended = False
        self.dirty = False
        self.settled = False
        self.counted = False
        self.midstream = False
        self.outbound = True
        self.hello = NO_HELLO
        self.ech = False
        self.decoy = False
        self.host = b""
        self.inherited = b""
        self.method = ""
        self.bypass = ""
        self.application = "unknown"
        self.connection = -1
        self.question = -1
        self.asked = 0.0
        self.epoch = -1
        self.device: Device | None = None
        self.origin = b""
        self.remote: Place | None = None
        self.claim: Claim | None = None
        self.attribution: Attribution | None = None
        self.tally: Tally | None = None
        self.blind: Cell | None = None
        self.destination: Destination | None = None
        self.watch: Watch | None = None

    def patience(self) -> float:
        """Seconds of silence after which the flow is over."""
        if self.connection >= 0:
            return CONNTRACK_SECONDS
        if self.protocol == PROTOCOL_TCP:
            if self.state == ESTABLISHED:
                # Met in its middle and heard from one end only, it may be anything that looks like a connection.
                both = self.packets_sent and self.packets_returned
                if not both or self.fins:
                    return EXCHANGE_SECONDS
                return NAMED_SECONDS if self.host else ESTABLISHED_SECONDS
            return OPENING_SECONDS if self.state == OPENING else CLOSING_SECONDS
        if self.protocol == PROTOCOL_UDP and self.sent and self.returned:
            return DNS_SECONDS if self.application == "dns" else EXCHANGE_SECONDS
        return DATAGRAM_SECONDS


@final
class FlowTable:
    """At most `limit` flows. The wheel turns with the time that it is given, never back."""

    __slots__ = ("_ended", "backward", "evictions", "forward", "limit", "slot", "slots")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.forward: dict[bytes, Flow] = {}
        self.backward: dict[bytes, Flow] = {}
        self.slots: list[list[Flow]] = [[] for _ in range(SLOTS)]
        self.slot = 0
        self.evictions = 0
        self._ended = 0

    def start(self, now: float) -> None:
        """Sets the wheel of an empty table to the time of the first observation."""
        self.slot = int(now / SLOT_SECONDS)

    def step(self, seconds: float) -> None:
        """The clock was set: flows keep their age."""
        self.slot += int(seconds / SLOT_SECONDS)
        self.slots = [[] for _ in range(SLOTS)]
        for flow in self.forward.values():
            flow.start += seconds
            flow.last += seconds
            flow.asked += seconds
            self.schedule(flow)

    def find(self, key: bytes) -> Flow | None:
        """The flow that a packet of this key belongs to, in either direction."""
        flow = self.forward.get(key)
        return flow if flow is not None else self.backward.get(key)

    def add(self, flow: Flow) -> None:
        """Takes a flow whose keys are in no other one. Make room first."""
        self.forward[flow.key + flow.tag] = flow
        self.backward[flow.back + flow.tag] = flow
        self.schedule(flow)

    def remove(self, flow: Flow) -> None:
        flow.ended = True
        del self.forward[flow.key + flow.tag]
        del self.backward[flow.back + flow.tag]
        self._ended += 1
        if self._ended > len(self.forward) + ENDED_MAX:
            self._tidy()

    def turn_round(self, flow: Flow) -> None:
        """Client and server change places."""
        del self.forward[flow.key + flow.tag]
        del self.backward[flow.back + flow.tag]
        flow.key, flow.back = flow.back, flow.key
        flow.sent, flow.returned = flow.returned, flow.sent
        flow.packets_sent, flow.packets_returned = flow.packets_returned, flow.packets_sent
        flow.counted_sent, flow.counted_returned = flow.counted_returned, flow.counted_sent
        flow.next_sent, flow.next_returned = flow.next_returned, flow.next_sent
        self.forward[flow.key + flow.tag] = flow
        self.backward[flow.back + flow.tag] = flow

    def schedule(self, flow: Flow) -> None:
        """Puts the flow where its patience ends; the wheel is as long as the longest one."""
        slot = int((flow.last + flow.patience()) / SLOT_SECONDS) + 1
        if slot <= self.slot:
            slot = self.slot + 1
        elif slot >= self.slot + SLOTS:
            slot = self.slot + SLOTS - 1
        flow.slot = slot
        self.slots[slot % SLOTS].append(flow)

    def turn(self, now: float) -> list[Flow]:
        """Moves the wheel to `now` and gives the flows whose time is up; the caller ends them."""
        over: list[Flow] = []
        target = int(now / SLOT_SECONDS)
        if target - self.slot >= SLOTS:
            self._leap(target, now, over)
        while self.slot < target:
            self.slot += 1
            self._sift(self.slot, now, over)
        return over

    def oldest(self, count: int) -> list[Flow]:
        """Up to `count` flows that would end soonest; the caller ends them."""
        chosen: list[Flow] = []
        for step in range(1, SLOTS):
            self._pick(self.slot + step, count, step == SLOTS - 1, chosen)
            if len(chosen) >= count:
                break
        return chosen

    def _pick(self, slot: int, count: int, is_last: bool, chosen: list[Flow]) -> None:
        """Takes flows out of one slot; those that have gone on are scheduled again unless no later slot is left."""
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
        """Time went further than the wheel is long: every flow is looked at once."""
        self.slot = target
        self.slots = [[] for _ in range(SLOTS)]
        for flow in self.forward.values():
            if flow.last + flow.patience() > now:
                self.schedule(flow)
            else:
                flow.slot = TAKEN
                over.append(flow)

    def _tidy(self) -> None:
        """Takes out of the wheel what has ended: of conntrack's flows that is long before their time."""
        self._ended = 0
        for place, flows in enumerate(self.slots):
            if flows:
                self.slots[place] = [flow for flow in flows if not flow.ended]

    def _sift(self, slot: int, now: float, over: list[Flow]) -> None:
        """Empties a slot: what has gone on in the meantime is scheduled again, the rest is over."""
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
