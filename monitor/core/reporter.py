"""Effects: the events that somebody reads, and none that nobody does."""

from typing import Final, final

from monitor.attribution.counters import Attribution
from monitor.attribution.devices import Device
from monitor.attribution.evidence import NOBODY
from monitor.core.naming import Naming
from monitor.model import ClientHello, DhcpMessage, DnsMessage, Effect, Event, FlowRecord, Labels

LABELS_KEPT: Final = 4096


@final
class Reporter:
    """Collects effects until they are taken."""

    __slots__ = ("_effects", "_labels", "dhcp", "dns", "flow", "naming", "quic", "tls")

    def __init__(self, events: frozenset[str], naming: Naming) -> None:
        self._effects: list[Effect] = []
        self._labels: dict[tuple[str, str, str, str, str, str], Labels] = {}
        self.configure(events, naming)

    def configure(self, events: frozenset[str], naming: Naming) -> None:
        """What is wanted from now on; effects that wait stay."""
        self.naming = naming
        self.dns = "dns" in events
        self.tls = "tls" in events
        self.quic = "quic" in events
        self.flow = "flow" in events
        self.dhcp = "dhcp" in events

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

    def _label(self, device: Device | None, group: str, why: Attribution) -> Labels:
        """Labels are frozen and many events share them, so they are made once."""
        name = self.naming.text_of(device) if device is not None else ""
        key = (name, group, why.vendor, why.service, why.evidence, why.entry)
        kept = self._labels.get(key)
        if kept is None:
            if len(self._labels) >= LABELS_KEPT:
                self._labels.clear()
            kept = Labels(name, group, why.vendor, why.service, why.evidence, why.list, why.entry)
            self._labels[key] = kept
        return kept
