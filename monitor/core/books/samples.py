"""The counters as metrics: every family of observed traffic, with label values in the order of the family's labels."""

from typing import Final

from monitor.attribution.counters import OTHER
from monitor.attribution.devices import Devices
from monitor.core.books.ledger import Ledger
from monitor.model import Samples

UP: Final = "up"
DOWN: Final = "down"
DEVICE_SECONDS: Final = 3600.0
DESTINATIONS_SHOWN: Final = 100
# A destination needs more than 1/1000 of all bytes for a series of its own.
DESTINATION_SHARE: Final = 1000


def put_traffic(ledger: Ledger, samples: Samples) -> None:
    """`flow_bytes_total{vendor,service,group,direction,evidence}` and `flows_total{vendor,service,group,evidence}`."""
    volume: dict[tuple[str, ...], float] = {}
    flows: dict[tuple[str, ...], float] = {}
    for (vendor, service, group, evidence), series in ledger.traffic.items():
        volume[vendor, service, group, UP, evidence] = float(series.up)
        volume[vendor, service, group, DOWN, evidence] = float(series.down)
        flows[vendor, service, group, evidence] = float(series.flows)
    samples["flow_bytes_total"] = volume
    samples["flows_total"] = flows


def put_cells(ledger: Ledger, samples: Samples) -> None:
    """Adds queries, handshakes, ECH handshakes, blind bytes and bypasses of plain DNS."""
    samples["dns_queries_total"] = {key: float(cell.value) for key, cell in ledger.queries.cells.items()}
    samples["handshakes_total"] = {key: float(cell.value) for key, cell in ledger.handshakes.cells.items()}
    samples["ech_handshakes_total"] = {key: float(cell.value) for key, cell in ledger.ech.items()}
    samples["blind_bytes_total"] = {key: float(cell.value) for key, cell in ledger.blind.items()}
    samples["bypass_attempts_total"] = {key: float(cell.value) for key, cell in ledger.bypasses.items()}


def put_destinations(ledger: Ledger, samples: Samples) -> None:
    """`destination_bytes_total{asn,country,direction}`: the largest destinations get a series each and keep it, the
    rest is `other`.

    Bytes counted as `other` before a destination got its series remain there, so both only increase.
    """
    choose_destinations(ledger)
    totals: dict[tuple[str, ...], float] = {}
    rest_up = ledger.elsewhere.up
    rest_down = ledger.elsewhere.down
    for destination in ledger.destinations.values():
        if not destination.shown:
            destination.hidden_up = destination.up
            destination.hidden_down = destination.down
        else:
            totals[destination.asn, destination.country, UP] = float(destination.up - destination.hidden_up)
            totals[destination.asn, destination.country, DOWN] = float(destination.down - destination.hidden_down)
        rest_up += destination.hidden_up
        rest_down += destination.hidden_down
    if rest_up or rest_down:
        totals[OTHER, OTHER, UP] = float(rest_up)
        totals[OTHER, OTHER, DOWN] = float(rest_down)
    samples["destination_bytes_total"] = totals


def choose_destinations(ledger: Ledger) -> None:
    """Gives free series to the largest destinations without one, except those with too small a share."""
    everything = list(ledger.destinations.values())
    total = 0
    free = DESTINATIONS_SHOWN
    for destination in everything:
        total += destination.up + destination.down
        free -= 1 if destination.shown else 0
    waiting: list[tuple[int, int]] = []
    for at, destination in enumerate(everything):
        volume = destination.up + destination.down
        if not destination.shown and volume * DESTINATION_SHARE > total:
            waiting.append((-volume, at))
    for _, at in sorted(waiting)[: max(0, free)]:
        everything[at].shown = True


def put_devices(ledger: Ledger, devices: Devices, samples: Samples, now: float) -> None:
    """`devices{vendor,group}`: devices with the vendor's traffic in the last hour; `group_devices{group}`: with any."""
    seen: set[tuple[str, str, int]] = set()
    counts: dict[tuple[str, ...], float] = {}
    members: dict[str, set[int]] = {}
    for tally in ledger.tallies.values():
        if tally.last < now - DEVICE_SECONDS:
            continue
        owner = devices.settle(tally.device, tally.origin)
        if devices.is_gateway(owner):
            continue
        key = (tally.attribution.vendor, tally.group, owner.number)
        if key not in seen:
            seen.add(key)
            counts[key[0], key[1]] = counts.get((key[0], key[1]), 0.0) + 1.0
            members.setdefault(key[1], set()).add(key[2])
    samples["host_names_refused_total"] = {(): float(devices.pins.refused)}
    samples["devices"] = counts
    samples["group_devices"] = {(group,): float(len(numbers)) for group, numbers in members.items()}
