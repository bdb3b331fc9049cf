"""From flows to the books: who, whose, on what evidence, and how many bytes since the last time.

Bytes wait in the flow until it is settled: until its hello or Host came, `HOLD_SECONDS` have passed, or it ended. Then
they are counted under what is known by now, and once counted they are never moved. A stronger name that comes later
speaks for the bytes that come later.
"""

from typing import Final, final

from monitor.attribution.counters import Attribution, Tally
from monitor.attribution.devices import Device, Devices
from monitor.attribution.evidence import NOBODY, Attributor
from monitor.attribution.flows import Flow
from monitor.attribution.matches import NOTHING
from monitor.attribution.places import Place
from monitor.attribution.roles import DNS_PORT, DOT_PORT
from monitor.core.ledger import Ledger
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP
from monitor.policy.groups import Groups

HOLD_SECONDS: Final = 3.0

PROTOCOL_ESP: Final = 50

# The categories whose traffic hides names, and the methods by which a device goes round plain DNS.
ENCRYPTED_DNS: Final = "encrypted-dns"
VPN_PROXY: Final = "vpn-proxy"
PRIVATE_RELAY: Final = "private-relay"

DOH: Final = "doh"
DOT: Final = "dot"
DOQ: Final = "doq"
VPN: Final = "vpn"
RELAY: Final = "relay"
ECH: Final = "ech"
MIDSTREAM: Final = "midstream"
UNDECODABLE: Final = "undecodable"


@final
class Accounting:
    """Counts flows. A new `epoch`, after a reload, makes every flow look up again what it belongs to."""

    __slots__ = ("attributor", "devices", "epoch", "groups", "ledger")

    def __init__(self, attributor: Attributor, devices: Devices, groups: Groups, ledger: Ledger) -> None:
        self.attributor = attributor
        self.devices = devices
        self.groups = groups
        self.ledger = ledger
        self.epoch = 0

    def reload(self, groups: Groups) -> None:
        """Groups and lists have changed: nothing that was concluded from them holds any longer."""
        self.groups = groups
        self.attributor.reload()
        self.epoch += 1

    def group_of(self, device: Device) -> str:
        group = device.group
        if not group:
            group = self.groups.label_of(device)
            device.group = group
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
        series = tally.series
        series.up += up
        series.down += down
        destination = flow.destination
        if destination is not None:
            destination.up += up
            destination.down += down
        if flow.blind is not None:
            flow.blind.value += up + down

    def attribution_of(self, flow: Flow, now: float) -> Attribution:
        """What the flow is attributed to now; kept until a hello, a Host or a reload asks anew."""
        attribution = flow.attribution
        if attribution is None or flow.epoch != self.epoch:
            attribution = self.attributor.attribute(flow, now)
            flow.attribution = attribution
        return attribution

    def _place(self, flow: Flow, device: Device, now: float) -> Tally:
        """Finds the flow's tally and all cells that go with it."""
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
        if not flow.counted:
            flow.counted = True
            tally.flows += 1
            tally.series.flows += 1
        if remote is not None and not remote.local:
            flow.destination = self.ledger.destination(remote)
            self._look_for_blindness(flow, remote, group, attribution)
        return tally

    def _look_for_blindness(self, flow: Flow, remote: Place, group: str, attribution: Attribution) -> None:
        category = self.attributor.category_of(flow)
        method = bypass_method(flow, category)
        if method and not flow.bypass:
            flow.bypass = method
            self.ledger.bypass(group, method)
        reason = blind_reason(flow, method, attribution)
        flow.blind = self.ledger.blind_cell(group, reason) if reason else None


def bypass_method(flow: Flow, category: str) -> str:
    """How the flow goes round plain DNS, `""` if it does not as far as observing can know."""
    if flow.method:
        return flow.method
    if not flow.outbound:
        return ""
    if flow.port == DOT_PORT:
        return DOT if flow.protocol == PROTOCOL_TCP else DOQ
    if flow.protocol == PROTOCOL_ESP or category == VPN_PROXY:
        return VPN
    if category == PRIVATE_RELAY:
        return RELAY
    return DOH if category == ENCRYPTED_DNS and flow.port != DNS_PORT and flow.port != 0 else ""


def blind_reason(flow: Flow, method: str, attribution: Attribution) -> str:
    """Why nothing can name what the flow carries, `""` where something does."""
    if method in (VPN, RELAY):
        return VPN
    if method:
        return DOH
    if attribution is not NOBODY and attribution.evidence != NOTHING:
        return ""
    if flow.claim is not None or flow.port == DNS_PORT:
        return ""
    if flow.ech:
        return ECH
    if flow.host:
        return ""
    if flow.midstream:
        return MIDSTREAM
    return UNDECODABLE if flow.protocol in (PROTOCOL_TCP, PROTOCOL_UDP) else ""
