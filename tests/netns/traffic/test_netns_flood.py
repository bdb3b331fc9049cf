"""Floods leave the daemon below its limits: tables full but no fuller, evictions counted, service goes on."""

import os
import signal
import time

import pytest
from observed import configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow]

FLOWS, NAMES, DEVICES, QUIC = 4_000, 2_000, 100, 256
LIMITS = f"[limits]\nflows = {FLOWS}\nnames = {NAMES}\ndevices = {DEVICES}\nquic_connections = {QUIC}\n"
PACKETS = 6_000
RESOLVER, SERVER, ELSEWHERE = "203.0.113.53", "71.18.1.10", "203.0.113.80"
REST_SECONDS, AT_ONCE_SECONDS = 100.0, 2.0
# How much larger the daemon may become than it was at its start.
MOST_GROWTH_BYTES = 30_000_000
MORE_THAN_FIT = 20_000
# Rounds until the event of a transfer's end arrives, where the machine has so much else to do that the kernel drops it.
ROUNDS_MAX, EVENT_SECONDS = 4, 20.0


def is_at_rest(daemon: LabDaemon) -> bool:
    """Whether it answers at once, and has worked off what conntrack reports of the flood."""
    started = time.monotonic()
    flows = flows_and_evictions(daemon)
    quick = time.monotonic() - started < AT_ONCE_SECONDS
    # Metrics are rendered at most once a second.
    time.sleep(1.1)
    return quick and flows_and_evictions(daemon) == flows


def flows_and_evictions(daemon: LabDaemon) -> tuple[float, float]:
    return sizes(daemon)["flows"], daemon.metric("table_evictions_total", table="flows")


def sizes(daemon: LabDaemon) -> dict[str, float]:
    return {labels["table"]: value for labels, value in daemon.metrics()["gatewatch_table_entries"]}


@pytest.mark.parametrize("flows", ["conntrack", "packets"])
def test_floods(lab: Lab, flows: str) -> None:
    daemon = lab.daemon(configuration(lab, flows, LIMITS))
    laptop = lab.client("laptop")
    most_bytes = daemon.resident_bytes() + MOST_GROWTH_BYTES
    for kind, target in (("subdomains", RESOLVER), ("syn", SERVER), ("flows", SERVER), ("quic", SERVER)):
        laptop.flood(kind, PACKETS, target)
        assert daemon.resident_bytes() < most_bytes, kind
    daemon.wait_for("come to rest", lambda: is_at_rest(daemon), seconds=REST_SECONDS)
    full = sizes(daemon)
    assert daemon.metric("table_evictions_total", table="flows") > 0
    assert full["flows"] <= FLOWS
    assert full["names"] <= NAMES
    assert full["devices"] <= DEVICES
    assert daemon.resident_bytes() < most_bytes
    transfer = lab.client("phone").curl("https://www.tiktok.com/bytes/200000")
    assert transfer.good, transfer.text
    # Its end tells its counters at once; a listing of all connections comes seldom while there are so many.
    lab.gateway.run(["conntrack", "-D", "-p", "tcp", "--orig-port-src", str(transfer.port)])
    daemon.wait_for(
        "counted a transfer after the floods",
        lambda: daemon.metric("flow_bytes_total", group="phones", vendor="bytedance", direction="down") > 200_000,
    )
    assert daemon.stop() == 0


def test_what_the_capture_lost_the_name_of_is_told_apart(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab, "conntrack"))
    url = f"https://{ELSEWHERE}/bytes/300000"
    assert lab.client("phone").curl(url).good
    daemon.wait_for(
        "counted a transfer without a name", lambda: daemon.metric("blind_bytes_total", reason="undecodable") > 300_000
    )
    undecodable = daemon.metric("blind_bytes_total", reason="undecodable")
    for _ in range(ROUNDS_MAX):
        lose_the_name(lab, daemon, url)
        if is_counted_as_dropped(daemon):
            break
    assert is_counted_as_dropped(daemon), daemon.metrics()["gatewatch_blind_bytes_total"]
    assert daemon.metric("capture_dropped_packets_total") > 0
    assert daemon.metric("blind_bytes_total", reason="undecodable") == undecodable
    assert daemon.stop() == 0


def lose_the_name(lab: Lab, daemon: LabDaemon, url: str) -> None:
    """A transfer while the daemon is stopped and more comes in than its rings hold.

    The end of the transfer is an event. It would be lost while the events of the flood fill the daemon's socket: those
    of its beginning, and half a minute later those of its end. So the flood's connections are deleted first.
    """
    os.kill(daemon.child.pid, signal.SIGSTOP)
    try:
        lab.client("laptop").flood("quic", MORE_THAN_FIT, SERVER)
        transfer = lab.client("phone").curl(url)
    finally:
        os.kill(daemon.child.pid, signal.SIGCONT)
    assert transfer.good, transfer.text
    lab.gateway.run(["conntrack", "-D", "-p", "udp"])
    daemon.wait_for("come to rest", lambda: is_at_rest(daemon), seconds=REST_SECONDS)
    lab.gateway.run(["conntrack", "-D", "-p", "tcp", "--orig-port-src", str(transfer.port)])


def is_counted_as_dropped(daemon: LabDaemon) -> bool:
    """Whether the transfer is, within a time that is long for an event; one that is lost never comes."""
    deadline = time.monotonic() + EVENT_SECONDS
    while time.monotonic() < deadline:
        if daemon.metric("blind_bytes_total", group="phones", reason="dropped") > 300_000:
            return True
        time.sleep(0.5)
    return False
