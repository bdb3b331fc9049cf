"""Rows for output: traffic by device and vendor, devices, live flows. Made on request only."""

from dataclasses import dataclass
from typing import final

from monitor.attribution.devices import Device, is_random_mac
from monitor.attribution.flows import Flow
from monitor.attribution.host_names import host_text
from monitor.attribution.networks import address_text
from monitor.core.books.accounting import Accounting
from monitor.core.books.ledger import Ledger
from monitor.core.flow.naming import Naming
from monitor.model import key_destination, key_destination_port, key_protocol, key_source, key_source_port


@dataclass(frozen=True)
class Row:
    """What a device exchanged with a vendor's service on one kind of evidence. `first` and `last` are times."""

    device: str
    group: str
    vendor: str
    service: str
    evidence: str
    bytes_up: int
    bytes_down: int
    flows: int
    first: float
    last: float


@dataclass(frozen=True)
class DeviceRow:
    """A device. `mac`, `addresses` and `hostname` are empty if the privacy setting forbids them or they are unknown.
    `random_mac`: the MAC is locally administered, so the device may have generated it and may change it.
    """

    device: str
    group: str
    mac: str
    addresses: tuple[str, ...]
    hostname: str
    bytes_up: int
    bytes_down: int
    flows: int
    first: float
    last: float
    random_mac: bool = False


@dataclass(frozen=True)
class FlowRow:
    """A live flow. `name` is the name that its attribution is based on; the bytes are all bytes seen."""

    device: str
    group: str
    vendor: str
    service: str
    evidence: str
    name: str
    protocol: int
    client: str
    client_port: int
    server: str
    server_port: int
    bytes_up: int
    bytes_down: int
    first: float
    last: float


@final
class Sum:
    """The sum of tallies that have the same labels after devices are named."""

    __slots__ = ("down", "first", "flows", "last", "up")

    def __init__(self, first: float) -> None:
        self.up = 0
        self.down = 0
        self.flows = 0
        self.first = first
        self.last = first

    def add(self, up: int, down: int, flows: int, first: float, last: float) -> None:
        self.up += up
        self.down += down
        self.flows += flows
        self.first = min(self.first, first)
        self.last = max(self.last, last)


@final
class Readout:
    """Reads the ledger without changing it."""

    __slots__ = ("_accounting", "_ledger")

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting
        self._ledger: Ledger = accounting.ledger

    def rows(self, naming: Naming) -> list[Row]:
        """Returns the rows, most bytes first."""
        sums: dict[tuple[str, str, str, str, str], Sum] = {}
        for tally in self._ledger.tallies.values():
            owner = self._accounting.devices.settle(tally.device, tally.origin)
            why = tally.attribution
            key = (naming.text_of(owner), tally.group, why.vendor, why.service, why.evidence)
            if key not in sums:
                sums[key] = Sum(tally.first)
            sums[key].add(tally.up, tally.down, tally.flows, tally.first, tally.last)
        rows = [
            Row(device, group, vendor, service, evidence, s.up, s.down, s.flows, s.first, s.last)
            for (device, group, vendor, service, evidence), s in sums.items()
        ]
        order = [(-row.bytes_up - row.bytes_down, row.device, row.vendor, at) for at, row in enumerate(rows)]
        return [rows[at] for _, _, _, at in sorted(order)]

    def device_rows(self, naming: Naming) -> list[DeviceRow]:
        """Returns every device in the table, last seen first."""
        sums: dict[int, Sum] = {}
        for tally in self._ledger.tallies.values():
            owner = self._accounting.devices.settle(tally.device, tally.origin)
            if owner.number not in sums:
                sums[owner.number] = Sum(tally.first)
            sums[owner.number].add(tally.up, tally.down, tally.flows, tally.first, tally.last)
        devices = self._accounting.devices
        everyone = [device for device in devices.everyone.values() if not devices.is_gateway(device)]
        order = [(-device.last, device.number, at) for at, device in enumerate(everyone)]
        return [self._device_row(everyone[at], sums.get(everyone[at].number), naming) for _, _, at in sorted(order)]

    def flow_rows(self, flows: list[Flow], naming: Naming, now: float, limit: int) -> list[FlowRow]:
        """Returns the flows with the most bytes."""
        order = [(-flow.sent - flow.returned, at) for at, flow in enumerate(flows)]
        rows: list[FlowRow] = []
        for _, at in sorted(order)[:limit]:
            row = self._flow_row(flows[at], naming, now)
            if row is not None:
                rows.append(row)
        return rows

    def _device_row(self, device: Device, total: Sum | None, naming: Naming) -> DeviceRow:
        is_open = naming.is_open
        return DeviceRow(
            naming.text_of(device),
            self._accounting.group_of(device),
            device.mac.hex(":") if is_open else "",
            tuple([address_text(address) for address in sorted(device.addresses)]) if is_open else (),
            host_text(device.hostname) if is_open else "",
            total.up if total is not None else 0,
            total.down if total is not None else 0,
            total.flows if total is not None else 0,
            device.first,
            device.last,
            is_random_mac(device.mac),
        )

    def _flow_row(self, flow: Flow, naming: Naming, now: float) -> FlowRow | None:
        device = flow.device
        if device is None:
            return None
        why = self._accounting.attribution_of(flow, now)
        claim = flow.claim
        name = claim.name if claim is not None and (flow.ech or not flow.host) else flow.host
        client, server = key_source(flow.key), key_destination(flow.key)
        return FlowRow(
            naming.text_of(device),
            self._accounting.group_of(device),
            why.vendor,
            why.service,
            why.evidence,
            name.decode("ascii", "backslashreplace"),
            key_protocol(flow.key),
            naming.address(client) if flow.outbound else address_text(client),
            key_source_port(flow.key),
            address_text(server) if flow.outbound else naming.address(server),
            key_destination_port(flow.key),
            flow.sent if flow.outbound else flow.returned,
            flow.returned if flow.outbound else flow.sent,
            flow.start,
            flow.last,
        )
