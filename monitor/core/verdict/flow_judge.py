"""Judges queries and flows of devices against the policy, and counts what bans blocked.

Data that a client can forge may attribute a flow, but never kills another client's flow: only a flow's own hello, a
vendor's own prefix and DNS answers to the same device are certain enough for a kill.
"""

from typing import Final, final

from monitor.attribution.client_side import DNS_PORT
from monitor.attribution.counters import Attribution
from monitor.attribution.description import Description
from monitor.attribution.devices import Device
from monitor.attribution.evidence import NOBODY, Attributor
from monitor.attribution.flows import NO_HELLO, Flow
from monitor.attribution.matches import ASN, NOTHING, Match
from monitor.core.books.ban_bytes import BanBytes
from monitor.core.books.ban_counters import BanCounters
from monitor.core.books.diary import Diary
from monitor.core.books.labelling import ban_group, group_label, label_of, match_of
from monitor.core.effects import UNKNOWN_SEQUENCE, Kill, ReleaseFlows, ResolveName
from monitor.core.reporter import Reporter
from monitor.core.settings import EnforcementState
from monitor.core.verdict.blind_verdicts import judge_nameless, judge_shared_hello
from monitor.core.verdict.killed_again import JudgedAgain, grounds_of, list_kills
from monitor.core.verdict.kills import Kills
from monitor.core.verdict.sni_answers import AnsweredHellos
from monitor.core.verdict.verdicts import (
    CERTAIN,
    by_address_alone,
    device_key,
    falls_by_address,
    is_by_address,
    is_certain,
    is_current,
    is_stronger,
    is_sure,
    marked_categories,
)
from monitor.limits import Limits
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP, Samples, key_destination
from monitor.policy.ban import DNS, ENFORCE, EVERYONE, IP, OBSERVE, REJECT, SHADOW
from monitor.policy.ban import SNI as SNI_LAYER
from monitor.policy.exempted import NO_DEVICE
from monitor.policy.owners import subject_label
from monitor.policy.policy import BLOCK, Policy, Verdict, holds

# Protocols whose flows can be killed although their address is not banned: the kernel drops them by their ports.
KILLED_PROTOCOLS: Final = (PROTOCOL_TCP, PROTOCOL_UDP)

ALLOWED: Final = "allowed"
BLOCKED: Final = "blocked"
SHADOWED: Final = "shadowed"


@final
class FlowJudge:
    """Judges flows; does nothing while `policy` is None. `enforcement` is what the kernel and the sinkhole do at
    present. `counts_packets`: flows count packets as they are seen, see `books/ban_bytes.py`.
    """

    __slots__ = (
        "_attributor", "_diary", "_reporter", "enforcement", "kills", "policy", "proof", "usage", "watching",
    )  # fmt: skip

    def __init__(
        self, attributor: Attributor, reporter: Reporter, diary: Diary, counts_packets: bool, limits: Limits
    ) -> None:
        self._attributor = attributor
        self._reporter = reporter
        self._diary = diary
        self.kills = Kills(limits.kills)
        self.policy: Policy | None = None
        self.proof = BanCounters(limits.trying, limits.series)
        self.usage = AnsweredHellos(reporter, limits.hellos)
        self.enforcement = EnforcementState()
        self.watching = BanBytes(counts_packets, self.proof.late)

    def enforce(self, state: EnforcementState) -> None:
        """Applies a new state of the kernel and the sinkhole."""
        self.enforcement = state
        self.usage.learned = state.learned

    def hello(self, flow: Flow, device: Device, acknowledgment: int, now: float) -> None:
        """Judges a flow that has sent a ClientHello or a Host header, or is recognised as a tunnel."""
        policy = self.policy
        # No ban can apply, or the flow leads to the sinkhole, which has already refused its name.
        if policy is None or not flow.outbound or not policy.active or self._is_sunk(flow):
            return
        facts = self._attributor.describe(flow, now)
        self._want(self._attributor.matches.of(facts.name), device, now)
        verdict = self._judge_hello(policy, flow, device, facts, now)
        # A list of the user names the flow and nothing blocks it: the shipped lists may give a stronger verdict.
        if facts.attribution.user and (verdict is None or verdict.action != BLOCK):
            beneath = self._attributor.describe(flow, now, shipped=True)
            under = self._judge_hello(policy, flow, device, beneath, now)
            if is_stronger(under, verdict):
                verdict, facts = under, beneath
        # Nothing blocks it yet: an ECH hello is also judged by its outer name.
        if verdict is None or verdict.action != BLOCK:
            outer = self._judge_outer(flow, device, now)
            if outer is not None and (verdict is None or outer.action == BLOCK):
                verdict, facts = outer, self._by_hello(flow, facts)
        if verdict is not None:
            self._act(flow, device, facts, verdict, SNI_LAYER, acknowledgment, now)

    def _judge_hello(
        self, policy: Policy, flow: Flow, device: Device, facts: Description, now: float
    ) -> Verdict | None:
        """Judges a flow by its hello. The owners of its attribution count only if their evidence is certain."""
        attribution = facts.attribution
        owners = (attribution.owners if is_certain(facts) else ()) + marked_categories(flow, facts)
        key = device_key(device, flow.key)
        verdict = policy.judge(device.groups, key, owners, facts.name, now, SNI_LAYER)
        if verdict is None and flow.hello != NO_HELLO and attribution.evidence not in CERTAIN:
            return judge_nameless(policy, flow, device, now)
        if verdict is not None and by_address_alone(attribution, verdict):
            verdict = policy.judge(device.groups, key, owners, facts.name, now, SNI_LAYER, REJECT)
        shared = judge_shared_hello(policy, flow, device, attribution, now)
        return shared if is_stronger(shared, verdict) else verdict

    def question(self, match: Match, device: Device, key: bytes, now: float) -> tuple[str, Verdict | None]:
        """Returns how `dns_queries_total` counts the query, and the verdict of the ban that decided."""
        policy = self.policy
        if policy is None or not policy.active:
            return ALLOWED, None
        self._want(match, device, now)
        verdict = self._judge_name(match, device, key, now, DNS)
        if verdict is None:
            return ALLOWED, None
        if verdict.action == BLOCK and not self.enforcement.armed:
            return ALLOWED, verdict
        group = ban_group(verdict.ban, device)
        if verdict.action == SHADOW:
            self.proof.shadow(label_of(verdict), group, DNS)
        self._reporter.rule(now, key, device, group_label(device), match_of(match), verdict, DNS, match.name)
        return (BLOCKED if verdict.action == BLOCK else SHADOWED if verdict.action == SHADOW else ALLOWED), verdict

    def is_foreign(self, device: Device, resolver: bytes, now: float) -> bool:
        """Whether a device under a ban that needs its plain DNS queries a resolver outside `enforcement.resolvers`."""
        policy, meant = self.policy, self.enforcement.resolvers
        if policy is None or not meant or resolver in meant:
            return False
        return policy.diverts(device.groups, now)

    def is_hidden(self, flow: Flow, device: Device, attribution: Attribution) -> bool:
        """Whether ECH hides the name of the flow of a device under an enforced ban."""
        policy = self.policy
        if policy is None or not flow.ech or not flow.outbound or attribution.evidence not in (NOTHING, ASN):
            return False
        return any(ban.mode == ENFORCE and holds(ban, device.groups) for ban in policy.active)

    def stream_question(self, flow: Flow, match: Match, device: Device, acknowledgment: int, now: float) -> None:
        """Judges a query over TCP like a hello if the sinkhole does not divert it."""
        policy = self.policy
        if policy is None or not policy.active or (self.enforcement.armed and policy.diverts(device.groups, now)):
            return
        verdict = self._judge_name(match, device, flow.key, now, SNI_LAYER)
        if verdict is not None:
            facts = self._attributor.describe(flow, now).with_attribution(match_of(match))
            self._act(flow, device, facts, verdict, SNI_LAYER, acknowledgment, now)

    def _want(self, match: Match, device: Device, now: float) -> None:
        """Requests the resolution of the name if a ban by address applies to its vendor."""
        policy = self.policy
        if policy is None or not match.owners.names:
            return
        verdict = policy.judge(device.groups, NO_DEVICE, match.owners.names, b"", now, IP)
        if verdict is not None and verdict.action != OBSERVE:
            self._reporter.put(ResolveName(match.name))

    def _judge_name(self, match: Match, device: Device, key: bytes, now: float, layer: str) -> Verdict | None:
        """Judges a name that a device queries or sends in a hello; `key` is that of the flow."""
        policy = self.policy
        if policy is None:
            return None
        return policy.judge(device.groups, device_key(device, key), match.owners.names, match.name, now, layer)

    def note_refused(self, match: Match, device: Device, address: bytes, verdict: Verdict, now: float) -> None:
        """Records that the sinkhole answered a query of the device as banned."""
        label = label_of(verdict)
        self.proof.block(label, ban_group(verdict.ban, device), DNS, device.number, now)
        known = match.owners.has(label[0])
        origin = address if len(address) == 4 else b""
        group, name = group_label(device), match.name if known else b""
        self._diary.block(device, origin, group, label, match_of(match), name, now)

    def watch(self, flow: Flow, device: Device, now: float) -> None:
        """Counts the flow's further bytes as a leak if a ban applies to it, once the server has accepted it."""
        policy = self.policy
        watch = flow.watch
        if policy is None or (watch is not None and (watch.killed or is_current(watch, flow.attribution, policy))):
            return
        facts = self._attributor.describe(flow, now)
        verdict, why = self._judge_flow(policy, flow, device, facts, now)
        if verdict is None or verdict.action != BLOCK:
            flow.watch = None
            return
        label, group = label_of(verdict), ban_group(verdict.ban, device)
        leak = self.proof.leak_of(label, group, why.attribution.evidence)
        sent, returned = (watch.sent, watch.returned) if watch is not None else (0, 0)
        self.watching.leak(flow, facts.attribution, policy.version, leak, sent, returned)
        self.proof.trying.note(label, group, device.number, now)

    def review(self, flow: Flow, device: Device, now: float) -> None:
        """Judges a live flow again after a change of bans or of the device's groups: kills it, or releases it."""
        policy = self.policy
        watch = flow.watch
        if policy is None:
            flow.watch = None
            return
        told = self._attributor.describe(flow, now)
        verdict, facts = self._judge_flow(policy, flow, device, told, now)
        outer = self._judge_outer(flow, device, now)
        said = outer is not None and outer.action == BLOCK
        if said and (verdict is None or verdict.action != BLOCK):
            verdict, facts = outer, self._by_hello(flow, facts)
        shared = judge_shared_hello(policy, flow, device, told.attribution, now)
        if is_stronger(shared, verdict):
            verdict, facts, said = shared, told, True
        if verdict is None or verdict.action != BLOCK:
            flow.watch = None
            return
        if watch is not None and watch.killed:
            return
        layer = IP if falls_by_address(flow, facts.attribution, verdict) else SNI_LAYER
        falls = layer == IP or flow.protocol in KILLED_PROTOCOLS
        if falls and (said or is_sure(facts, verdict)):
            self._act(flow, device, facts, verdict, layer, UNKNOWN_SEQUENCE, now)
        else:
            self._leak(flow, device, told.attribution, facts.attribution, verdict, policy.version)

    def release(self, now: float, numbers: set[int] | None = None) -> frozenset[bytes]:
        """Judges the killed flows of the devices `numbers` (None: all) again. Returns the keys of released flows."""
        again = JudgedAgain(self.policy, self.kills, numbers, now)
        for effect in again.effects:
            self._reporter.put(effect)
        return frozenset(again.gone)

    def standing_kills(self, now: float) -> list[Kill]:
        """Returns the recently killed flows, for a kernel table that has lost them."""
        return list_kills(self.policy, self.kills, now)

    def expect(self) -> None:
        """Creates the counters of the bans in force."""
        if self.policy is not None:
            self.proof.expect(self.policy.active)

    def put(self, samples: Samples, now: float) -> None:
        """Adds the ban counters and the bans in force to the samples; nothing if there never was a policy."""
        policy = self.policy
        if policy is not None or self.proof.blocked.cells or self.proof.shadowed.cells:
            self.proof.put(samples, now)
        if policy is None:
            return
        samples["ban_info"] = {
            (*subject_label(str(subject)), group, ban.mode): 1.0
            for ban in policy.active
            for subject in ban.subjects
            for group in ban.groups or (EVERYONE,)
            if (ban.id, str(subject), group) not in self.enforcement.ineffective
        }

    def _judge_flow(
        self, policy: Policy, flow: Flow, device: Device, facts: Description, now: float
    ) -> tuple[Verdict | None, Description]:
        """Returns the verdict over the flow on any layer, and the description that it is based on."""
        if not policy.active:
            return None, facts
        if flow.port == DNS_PORT and self.enforcement.armed and policy.diverts(device.groups, now):
            return None, facts
        attribution = facts.attribution
        if (attribution is NOBODY and flow.remote is None) or self._is_sunk(flow):
            return None, facts
        key = device_key(device, flow.key)
        owners = attribution.owners + marked_categories(flow, facts)
        verdict = policy.judge(device.groups, key, owners, facts.name, now)
        if attribution.user and (verdict is None or verdict.action != BLOCK):
            beneath = self._attributor.describe(flow, now, shipped=True)
            owners = beneath.attribution.owners + marked_categories(flow, beneath)
            under = policy.judge(device.groups, key, owners, beneath.name, now)
            if is_stronger(under, verdict):
                return under, beneath
        return verdict, facts

    def _by_hello(self, flow: Flow, facts: Description) -> Description:
        """Returns the description with the outer name of an ECH hello as its attribution."""
        outer = self._attributor.of_hello(flow)
        return facts if outer is None else facts.with_attribution(outer)

    def _is_sunk(self, flow: Flow) -> bool:
        """Whether the flow leads to a sinkhole address: its name was already refused by DNS."""
        sinks = self.enforcement.sinks
        return len(sinks) > 0 and key_destination(flow.key) in sinks

    def _judge_outer(self, flow: Flow, device: Device, now: float) -> Verdict | None:
        """Judges the outer name of an ECH hello, because the flow itself contains it, independent of DNS answers.
        Most browsers fill the extension with random data; the outer name is then the true one.
        """
        if not flow.ech or not flow.host:
            return None
        return self._judge_name(self._attributor.matches.of(flow.host), device, flow.key, now, SNI_LAYER)

    def _act(
        self, flow: Flow, device: Device, facts: Description, verdict: Verdict, layer: str, acknowledgment: int,
        now: float,
    ) -> None:  # fmt: skip
        """Executes and counts the verdict."""
        attribution = facts.attribution
        group, label = ban_group(verdict.ban, device), label_of(verdict)
        if verdict.action == BLOCK:
            ban = verdict.ban
            blind = not is_sure(facts, verdict) or is_by_address(attribution, verdict)
            grounds = grounds_of(device, attribution.owners, facts.name, verdict, blind)
            if not self.kills.take(flow.key, ban.id, ban.on_failure, acknowledgment, now, grounds):
                return
            if self.kills.evicted:
                self._reporter.put(ReleaseFlows(tuple(self.kills.evicted)))
                self.kills.evicted.clear()
            self.watching.kill(flow, attribution)
            self._reporter.put(Kill(now, flow.key, acknowledgment, ban.id, ban.on_failure))
            if acknowledgment != UNKNOWN_SEQUENCE:
                self.watching.block(flow, self.proof.blocked_bytes_of(label, group))
            self.proof.block(label, group, layer, device.number, now)
            name = self._attributor.name_of(flow, label[0])
            self._diary.block(device, flow.origin, group_label(device), label, attribution, name, now)
        elif verdict.action == SHADOW:
            self.proof.shadow(label, group, layer)
        self._reporter.rule(now, flow.key, device, group_label(device), attribution, verdict, layer, facts.name)

    def _leak(
        self, flow: Flow, device: Device, attribution: Attribution, why: Attribution, verdict: Verdict, version: int
    ) -> None:
        """Counts the further bytes of a live flow as a leak. `why` is the attribution that the verdict is based on."""
        leak = self.proof.leak_of(label_of(verdict), ban_group(verdict.ban, device), why.evidence)
        self.watching.leak(flow, attribution, version, leak, flow.sent, flow.returned)
