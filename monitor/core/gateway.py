"""The state machine: takes observations, returns effects, and gives metrics on request.

Time is taken from the observations: flows expire and bytes are counted at whole seconds of it, so the way a batch is
split does not matter. `now` is the same clock: wall time in live mode, capture time in a replay.
"""

from collections.abc import Sequence
from math import floor
from typing import Final, final

from monitor.attribution.answer_cache import AnswerCache, NameBinding
from monitor.attribution.devices import OFF_LINK, Device, Devices
from monitor.attribution.ech_fronts import EchFronts
from monitor.attribution.evidence import Attributor
from monitor.attribution.flow_table import FlowTable
from monitor.attribution.host_names import HostPins
from monitor.attribution.matches import Matches
from monitor.attribution.migrations import Migrations
from monitor.attribution.networks import Networks
from monitor.attribution.remotes import RemoteCache
from monitor.catalog.index import Index
from monitor.core.books.accounting import Accounting
from monitor.core.books.diary import Diary, NoteRow
from monitor.core.books.ledger import Ledger
from monitor.core.books.rows import DeviceRow, FlowRow, Readout, Row
from monitor.core.books.samples import put_cells, put_destinations, put_devices, put_traffic
from monitor.core.effects import Effect, Kill
from monitor.core.flow.connections import Connections
from monitor.core.flow.endpoints import Endpoints
from monitor.core.flow.hellos import Hellos
from monitor.core.flow.naming import Naming
from monitor.core.flow.on_link import OnLinkPrefixes
from monitor.core.flow.questions import Questions, is_response
from monitor.core.flow.tracking import Tracking
from monitor.core.reporter import Reporter
from monitor.core.settings import CONNTRACK, EnforcementState, Settings
from monitor.core.tables import Tables
from monitor.core.verdict.answer_policy import AnswerPolicy, judge_query
from monitor.core.verdict.flow_judge import FlowJudge
from monitor.core.verdict.policy_watch import PolicyWatch
from monitor.core.verdict.sni_answers import NameClaims
from monitor.histogram import Histogram
from monitor.model import (
    ClientHello,
    DhcpMessage,
    DnsMessage,
    FlowCount,
    HttpRequest,
    Neighbour,
    Observation,
    Packet,
    Samples,
    Tunnel,
    reverse_key,
)
from monitor.policy.ban import Ban, Exemption
from monitor.policy.groups import NO_GROUP, Groups
from monitor.policy.policy import Policy, Verdict

TICK_SECONDS: Final = 1.0
ACK: Final = "ack"


@final
class Gateway:
    """All state of one gateway. `reload` replaces settings and index; flows and counters are kept."""

    __slots__ = (
        "_accounting", "_clock", "_connections", "_devices", "_diary", "_due", "_ends", "_hellos", "_judge", "_ledger",
        "_links", "_matches", "_memory", "_naming", "_packets", "_places", "_policy_watch", "_questions", "_readout",
        "_reporter", "_settings", "_table", "_tables", "_tracking",
    )  # fmt: skip

    def __init__(self, settings: Settings, index: Index, now: float) -> None:
        limits = settings.limits
        self._settings = settings
        self._packets = settings.flows != CONNTRACK
        self._clock = now
        self._due = -1.0
        self._naming = Naming(settings.device, settings.pseudonym_key)
        self._reporter = Reporter(settings.events, self._naming)
        self._links = OnLinkPrefixes(settings)
        self._devices = Devices(limits.devices, limits.addresses_per_device)
        self._devices.own = settings.own
        self._memory = AnswerCache(limits.names, limits.names_per_address, limits.aliases)
        self._matches = Matches(index, limits.addresses)
        local, nat64 = Networks(settings.local), Networks(settings.nat64)
        self._places = RemoteCache(index, local, nat64, settings.lookup, limits.addresses)
        attributor = Attributor(self._matches, self._memory, self._places, EchFronts(limits.ech_names))
        groups = Groups(settings.groups, settings.interfaces)
        self._ledger = Ledger(limits.rows, limits.series)
        self._ledger.expect([*[group.name for group in settings.groups], NO_GROUP])
        self._diary = Diary(limits.notes)
        self._judge = FlowJudge(attributor, self._reporter, self._diary, self._packets, limits)
        self._accounting = Accounting(attributor, self._devices, groups, self._ledger, self._judge, self._diary)
        self._table = FlowTable(limits.flows)
        self._policy_watch = PolicyWatch(self._judge, self._accounting, self._devices, self._table, self._reporter)
        self._ends = Endpoints(self._devices, self._places, self._links)
        migrations = Migrations(limits.migrations)
        self._tracking = Tracking(self._table, migrations, self._accounting, self._ends, self._reporter, self._packets)
        self._connections = Connections(self._tracking, self._ends, now)
        self._questions = Questions(self._accounting, self._reporter, limits.queries)
        self._hellos = Hellos(self._accounting, self._tracking, self._ends, self._reporter)
        self._readout = Readout(self._accounting)
        self._tables = Tables(
            self._tracking, attributor, self._devices, self._ledger, self._diary, self._questions.pending, self._judge,
            self._connections, self._policy_watch.replacement,
        )  # fmt: skip

    def feed(self, observations: list[Observation], now: float) -> list[Effect]:
        """Processes observations in the order given and returns the effects."""
        for seen in observations:
            if isinstance(seen, Packet):
                if self._packets:
                    if seen.time >= self._due:
                        self._advance(seen.time)
                    self._tracking.count_packet(seen)
            elif isinstance(seen, DnsMessage):
                self._take_dns(seen)
            else:
                self._take_rest(seen)
        if now >= self._due:
            self._advance(now)
        return self._reporter.take()

    def tick(self, now: float) -> list[Effect]:
        """Advances time without observations: expires flows and counts pending bytes."""
        self._advance(now)
        return self._reporter.take()

    def next_wakeup(self) -> float:
        """Returns the latest time for the next `tick`."""
        return self._due if self._due > 0.0 else self._clock + TICK_SECONDS

    def step(self, seconds: float) -> None:
        """Shifts all times by `seconds` after a clock step, so that ages and waiting times are preserved."""
        self._tables.step(seconds)
        self._accounting.losses.step(seconds)
        self._clock += seconds
        if self._due > 0.0:
            self._due = next_tick(self._clock)

    def lose(self, since: float, until: float) -> None:
        """Records that the capture lost frames in this period: nameless flows that start in it count as `dropped`."""
        self._accounting.losses.note(since, until)

    def close(self, now: float, reason: str = "shutdown") -> list[Effect]:
        """Ends every flow. Counters can still be read afterwards."""
        self._advance(now)
        self._tracking.close(reason)
        return self._reporter.take()

    def reload(self, settings: Settings, index: Index, now: float) -> None:
        """Applies new groups, lists and limits. Live flows are kept and attributed again at their next flush."""
        limits = settings.limits
        self._tracking.flush(now)
        self._settings = settings
        self._naming = Naming(settings.device, settings.pseudonym_key)
        self._reporter.configure(settings.events, self._naming)
        self._links.configure(settings)
        self._tables.resize(limits)
        self._devices.own = settings.own
        self._devices.forget_labels()
        self._ledger.expect([*[group.name for group in settings.groups], NO_GROUP])
        self._matches.reload(index)
        self._places.reload(index, Networks(settings.local), Networks(settings.nat64), settings.lookup)
        self._accounting.reload(Groups(settings.groups, settings.interfaces))

    def govern(self, policy: Policy | None, now: float) -> list[Effect]:
        """Applies another policy: kills live flows that it bans, and releases killed flows that it no longer bans."""
        self._advance(now)
        self._judge.policy = policy
        self._devices.forget_labels()
        self._policy_watch.restart()
        self._policy_watch.look(now)
        return self._reporter.take()

    def move_ends(self, bans: Sequence[Ban], exemptions: Sequence[Exemption], paused_until: float) -> None:
        """Replaces the end times of the policy in force after a clock step. The bans and exceptions stay the same."""
        if self._judge.policy is not None:
            self._judge.policy.take_ends(bans, exemptions, paused_until)

    @property
    def policy(self) -> Policy | None:
        """The policy in force, or None. Only `govern` and `move_ends` change it."""
        return self._judge.policy

    @property
    def enforcement(self) -> EnforcementState:
        """What the kernel and the sinkhole do at present, as far as the core knows."""
        return self._judge.enforcement

    def set_enforcement(self, state: EnforcementState) -> None:
        self._judge.enforce(state)
        self._connections.own_port = state.own_port

    @property
    def host_pins(self) -> HostPins:
        """The host name that belongs to each MAC, to be saved across restarts."""
        return self._devices.pins

    def standing_kills(self, now: float) -> list[Kill]:
        """Returns recently killed flows whose bans are in force, for a kernel table that has lost them."""
        return self._judge.standing_kills(now)

    def answer_policy(self, client: bytes, name: bytes, now: float, is_target: bool = False) -> AnswerPolicy:
        """Judges a DNS query for `name` from the client at this packed address, for the sinkhole.

        `is_target`: another name was queried, and its answer leads to `name` by CNAME.
        """
        device = self._devices.find_address(client, now)
        self._accounting.group_of(device)
        return judge_query(self._judge.policy, self._matches.of(name), device, client, now, is_target)

    def note_refused(self, address: bytes, name: bytes, verdict: Verdict, now: float) -> None:
        """Records that the sinkhole answered a query of this client as banned."""
        device = self._devices.find_address(address, now)
        self._accounting.group_of(device)
        self._judge.note_refused(self._matches.of(name), device, address, verdict, now)

    def groups_for(self, device: bytes) -> tuple[str, ...] | None:
        """Returns the groups of the device with this MAC or packed address, or None if the device is unknown."""
        known = self._devices.by_mac.get(device) or self._devices.by_address.get(device)
        if known is None:
            return None
        self._accounting.group_of(known)
        return known.groups

    def groups_seen(self, seconds: float) -> frozenset[str]:
        """Returns the groups with a device that was seen in the last `seconds`."""
        return self._devices.groups_since(self._clock - seconds)

    def snapshot(self) -> Samples:
        """Returns every counter and gauge as of the last observation or tick."""
        self._tracking.flush(self._clock)
        samples: Samples = {}
        put_traffic(self._ledger, samples)
        put_cells(self._ledger, samples)
        put_destinations(self._ledger, samples)
        put_devices(self._ledger, self._devices, samples, self._clock)
        self._judge.put(samples, self._clock)
        samples["dns_responses_total"] = {
            (name,): float(count) for name, count in self._questions.rcodes.by_name().items()
        }
        samples["flows_active"] = {(): float(len(self._table.forward))}
        samples["table_entries"] = {(name,): float(size) for name, size in self.table_sizes().items()}
        samples["table_evictions_total"] = {(name,): float(count) for name, count in self.evictions().items()}
        return samples

    def histograms(self) -> dict[str, Histogram]:
        return {"dns_response_seconds": self._questions.seconds.histogram()}

    def rows(self) -> list[Row]:
        self._tracking.flush(self._clock)
        return self._readout.rows(self._naming)

    def keep_notes(self, keeps: bool) -> None:
        """Turns notes for the journal on or off. Turning them off drops the pending notes."""
        self._diary.keeps = keeps
        if not keeps:
            self._diary.take(self._diary.limit)

    def wants_notes_taken(self) -> bool:
        """Whether the pending notes fill more than half of their table."""
        return len(self._diary) * 2 > self._diary.limit

    def notes_waiting(self) -> int:
        """Returns the number of pending notes, after all pending bytes are counted."""
        self._tracking.flush(self._clock)
        return len(self._diary)

    def take_notes(self, limit: int) -> list[NoteRow]:
        """Takes at most `limit` pending notes, each with the device that its MAC or address belongs to now."""
        return self._diary.take_rows(limit, self._devices, self._naming)

    def device_rows(self) -> list[DeviceRow]:
        self._tracking.flush(self._clock)
        return self._readout.device_rows(self._naming)

    def active_flows(self, limit: int = 100) -> list[FlowRow]:
        """Returns the live flows with the most bytes."""
        return self._readout.flow_rows(list(self._table.forward.values()), self._naming, self._clock, limit)

    def names_of(self, address: bytes) -> list[NameBinding]:
        """Returns the names that DNS answers gave to the packed address, newest first."""
        return self._memory.names_of(address)

    def name_claims(self, address: bytes) -> NameClaims:
        """Returns the names that DNS answers and ClientHellos gave to the packed address."""
        return NameClaims(self._memory.names_of(address), self._judge.usage.sayings.at(address))

    def names_for(self, device: bytes, address: bytes) -> list[NameBinding]:
        """Returns the names of `address` in DNS answers to the device with this MAC or packed address, newest first.

        Empty if the newest has expired, or if the privacy setting forbids naming devices.
        """
        known = self._devices.by_mac.get(device) or self._devices.by_address.get(device)
        if not self._naming.is_open:
            known = None
        claim = self._memory.newest(known, address, self._clock) if known is not None else None
        claims: list[NameBinding] = []
        while claim is not None:
            claims.append(claim)
            claim = claim.older
        return claims

    def pending_bytes(self) -> int:
        """Returns the number of bytes that were seen but not counted yet, because their flows are not settled."""
        return self._tracking.pending_bytes()

    def table_sizes(self) -> dict[str, int]:
        return self._tables.sizes()

    def evictions(self) -> dict[str, int]:
        """Returns the evictions of each table; for `series`, the label sets that were folded into `other`."""
        return self._tables.evictions()

    def _advance(self, now: float) -> None:
        """Advances to `now`: counts pending bytes and ends expired flows. Time never goes back."""
        if now < self._due:
            return
        if self._due < 0.0:
            self._table.start(now)
        self._clock = now
        self._due = next_tick(now)
        self._tracking.flush(now)
        self._tracking.expire(now)
        if self._judge.policy is not None:  # enforcement: changes of bans and groups, see `PolicyWatch.look`
            self._policy_watch.look(now)

    def _take_rest(self, seen: Observation) -> None:
        self._advance(seen.time if isinstance(seen, (FlowCount, Neighbour, Packet)) else seen.packet.time)
        if isinstance(seen, FlowCount):
            self._connections.count(seen)
        elif isinstance(seen, ClientHello):
            self._hellos.take_hello(seen)
        elif isinstance(seen, HttpRequest):
            self._hellos.take_host(seen)
        elif isinstance(seen, Tunnel):
            self._hellos.take_tunnel(seen)
        elif isinstance(seen, Neighbour):
            self._devices.bind(seen.address, seen.mac, seen.interface, seen.time)
        elif isinstance(seen, DhcpMessage):
            self._take_dhcp(seen)

    def _take_dns(self, message: DnsMessage) -> None:
        packet = message.packet
        if packet.time >= self._due:
            self._advance(packet.time)
        response = is_response(message)
        flow = self._tracking.flow_of(packet)
        device: Device | None = None
        if flow is not None:
            flow.application = "dns"
            key = flow.key
            self._ends.meet(flow, packet)
            device = flow.device
        else:
            key = reverse_key(packet.key) if response else packet.key
        if device is None:
            device = self._ends.device_of(key, packet)
        if response:
            self._questions.answer(message, device, flow, key)
        else:
            self._questions.ask(message, device, flow, key)

    def _take_dhcp(self, message: DhcpMessage) -> None:
        """Binds the leased address to the MAC, unless the client is behind a relay and not on the link."""
        packet = message.packet
        address = message.address if message.kind == ACK and len(message.address) in (4, 16) else b""
        device: Device | None
        if address and self._links.of(address, packet.interface) == OFF_LINK:
            device = self._devices.find_address(address, packet.time)
        else:
            device = self._devices.bind(address, message.mac, packet.interface, packet.time)
        if device is not None:
            self._devices.name(device, message.hostname, packet.time)
        if self._reporter.dhcp:
            group = self._accounting.group_of(device) if device is not None else "none"
            self._reporter.report(packet.time, message, device, group, None)


def next_tick(now: float) -> float:
    return floor(now / TICK_SECONDS) * TICK_SECONDS + TICK_SECONDS
