"""Collects effects. Events of types without a consumer are not created."""

from typing import Final, final

from monitor.attribution.counters import Attribution
from monitor.attribution.devices import Device
from monitor.attribution.evidence import NOBODY
from monitor.core.effects import Effect, VerdictEvent
from monitor.core.flow.naming import Naming
from monitor.model import ClientHello, DhcpMessage, DnsMessage, Event, FlowRecord, Labels
from monitor.policy.policy import Verdict

LABELS_KEPT: Final = 4096
SUSPECT: Final = "suspect"


@final
class Reporter:
    """Collects effects until they are taken."""

    __slots__ = ("_effects", "_labels", "dhcp", "dns", "flow", "naming", "quic", "tls", "verdict")

    def __init__(self, events: frozenset[str], naming: Naming) -> None:
        self._effects: list[Effect] = []
        self._labels: dict[tuple[str, str, str, str, str, str], Labels] = {}
        self.configure(events, naming)

    def configure(self, events: frozenset[str], naming: Naming) -> None:
        """Sets the event types to report and how devices are named. Collected effects are kept."""
        self.naming = naming
        self.dns = "dns" in events
        self.tls = "tls" in events
        self.quic = "quic" in events
        self.flow = "flow" in events
        self.dhcp = "dhcp" in events
        self.verdict = "verdict" in events

    def take(self) -> list[Effect]:
        effects = self._effects
        self._effects = []
        return effects

    def report(
        self,
        time: float,
        about: DnsMessage | ClientHello | DhcpMessage | FlowRecord,
        device: Device | None,
        group: str,
        attribution: Attribution | None,
    ) -> None:
        self._effects.append(Event(time, about, self._label(device, group, attribution or NOBODY)))

    def suspect(
        self, time: float, key: bytes, device: Device, group: str, why: Attribution, verdict: Verdict, layer: str,
        name: bytes,
    ) -> None:  # fmt: skip
        """Reports a device that may have evaded a ban (action `suspect`). `name` is how the new device is named."""
        if self.verdict:
            labels, ban = self._label(device, group, why), verdict.ban
            self._effects.append(VerdictEvent(time, key, labels, SUSPECT, layer, ban.id, verdict.mode, name))

    def rule(
        self, time: float, key: bytes, device: Device, group: str, why: Attribution, verdict: Verdict, layer: str,
        name: bytes,
    ) -> None:  # fmt: skip
        """Reports that a ban blocked something, or would have."""
        if self.verdict:
            labels = self._label(device, group, why)
            ban = verdict.ban
            self._effects.append(VerdictEvent(time, key, labels, verdict.action, layer, ban.id, verdict.mode, name))

    def put(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _label(self, device: Device | None, group: str, why: Attribution) -> Labels:
        """Returns shared labels: they are frozen, so events with the same values use one object."""
        name = self.naming.text_of(device) if device is not None else ""
        key = (name, group, why.vendor, why.service, why.evidence, why.entry)
        kept = self._labels.get(key)
        if kept is None:
            if len(self._labels) >= LABELS_KEPT:
                self._labels.clear()
            kept = Labels(name, group, why.vendor, why.service, why.evidence, why.list, why.entry)
            self._labels[key] = kept
        return kept
