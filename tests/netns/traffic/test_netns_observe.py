"""Every flow in the lab belongs to the right vendor, service and device, and its bytes are those on the wire."""

from collections.abc import Iterator

import pytest
from observed import CASES, DIGS, HOSTNAME, TOLERANCE, Case, Observed, observe

from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module", params=["conntrack", "packets"])
def observed(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Observed]:
    """Conntrack's view behind a masquerading gateway, whose IPv6 is routed; the packets' on a router."""
    if request.param == "packets":
        yield observe(lab, "packets")
    else:
        with Lab(Plan(masquerade=True)) as masqueraded:
            yield observe(masqueraded, "conntrack")


def close(measured: float, true: float) -> bool:
    return abs(measured - true) <= TOLERANCE * true


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_flows_bytes_device_and_vendor(observed: Observed, case: Case) -> None:
    _, up, down = observed.truth(case)
    event = observed.event("flow", case)
    flow, why = event["flow"], event["gatewatch"]
    assert close(flow["bytes_toserver"], up.bytes), (flow, up)
    assert close(flow["bytes_toclient"], down.bytes), (flow, down)
    assert up.mac == observed.macs[case.client]
    assert why["device"] == observed.macs[case.client]
    assert why["group"] == ("phones" if case.client == "phone" else "none")
    assert why["vendor"] == case.vendor
    assert why["evidence"] == case.evidence
    assert case.service in ("", why["service"])


@pytest.mark.parametrize("case", DIGS, ids=lambda case: case.label)
def test_a_question_belongs_to_the_vendor_that_it_is_about(observed: Observed, case: Case) -> None:
    event = observed.event("dns", case)
    assert (event["dns"]["type"], event["dns"]["rrname"]) == ("query", "www.tiktok.com")
    assert event["gatewatch"]["vendor"] == "bytedance"
    assert event["gatewatch"]["device"] == observed.macs["phone"]


@pytest.mark.parametrize("case", [case for case in CASES if case.evidence in ("sni", "quic")], ids=lambda c: c.label)
def test_each_hello_is_reported_once(observed: Observed, case: Case) -> None:
    kind = "quic" if case.protocol == "udp" else "tls"
    assert observed.event(kind, case)["gatewatch"]["vendor"] == case.vendor


@pytest.mark.parametrize("vendor", ["bytedance", "google", "meta"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_metrics_add_up_to_what_tcpdump_saw(observed: Observed, vendor: str, direction: str) -> None:
    true = 0
    for case in CASES:
        if case.vendor == vendor:
            _, up, down = observed.truth(case)
            true += up.bytes if direction == "up" else down.bytes
    assert close(observed.total("flow_bytes_total", vendor=vendor, direction=direction), true)


@pytest.mark.parametrize("client", ["phone", "laptop"])
def test_the_rows_add_up_as_well(observed: Observed, client: str) -> None:
    mine = [row for row in observed.rows if row["device"] == observed.macs[client] and row["vendor"] == "bytedance"]
    truths = [observed.truth(case) for case in CASES if case.client == client and case.vendor == "bytedance"]
    assert close(sum(row["bytes_up"] for row in mine), sum(up.bytes for _, up, _ in truths))
    assert close(sum(row["bytes_down"] for row in mine), sum(down.bytes for _, _, down in truths))
    assert sum(row["flows"] for row in mine) == len(truths)


def test_a_device_is_its_mac_with_all_its_addresses_and_its_name(observed: Observed) -> None:
    phone = next(device for device in observed.devices if device["device"] == observed.macs["phone"])
    assert phone["hostname"] == HOSTNAME
    assert {"192.168.77.10", "fd77:6761:7465:1::a", "fd77:6761:7465:1:7a31:c0de:51de:a"} <= set(phone["addresses"])
    assert sum(device["device"] in observed.macs.values() for device in observed.devices) == 2


def test_nothing_was_lost_and_the_end_was_clean(observed: Observed) -> None:
    assert observed.total("capture_dropped_packets_total") == 0
    assert observed.total("events_dropped_total") == 0
    assert observed.exit_code == 0
