"""The self-test beside real bans: passes while they hold, tells which layer does not, and leaves no trace elsewhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from banned import configuration, works

from monitor.kernel.netns.probe import PROBE_MAC
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.policy.table.probe import PROBE_VENDOR

pytestmark = pytest.mark.netns

EVERY = '\n[selftest]\nevery = "1s"\n'
# A command takes a second of the processor to begin with, which may be long in coming.
PATIENCE_SECONDS = 30.0
LAYERS = {"dns", "sni", "quic", "ip"}
# What devices do moves these, and time alone does not.
OF_DEVICES = (
    "dns_queries_total", "dns_responses_total", "handshakes_total", "flows_total", "bypass_attempts_total",
    "dns_blocked_queries_total", "killed_flows_total", "refused_packets_total", "blocked_bytes_total",
    "leaked_bytes_total", "late_answers_total", "sinkhole_queries_total", "enforce_seconds_count", "events_total",
)  # fmt: skip


@pytest.fixture(scope="module")
def daemon(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab) + EVERY)
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def numbers(daemon: LabDaemon) -> dict[str, object]:
    return {name: daemon.metrics().get(f"gatewatch_{name}") for name in OF_DEVICES}


def layers(daemon: LabDaemon) -> dict[str, bool]:
    """What the last self-test said of each layer."""
    samples = daemon.metrics().get("gatewatch_selftest_success", [])
    return {labels["layer"]: value == 1 for labels, value in samples}


def run_again(daemon: LabDaemon) -> None:
    """Waits until a self-test has both begun and ended from now on."""
    for _ in range(2):
        before = daemon.metric("selftest_last_timestamp_seconds")
        daemon.wait_for("tested", lambda than=before: daemon.metric("selftest_last_timestamp_seconds") > than)


@contextmanager
def foreign(lab: Lab, rules: str) -> Iterator[None]:
    """Somebody else's table."""
    family = rules.split()[1]
    lab.gateway.run(["nft", "-f", "-"], input=rules).check_returncode()
    try:
        yield
    finally:
        lab.gateway.run(["nft", "delete", "table", family, "foreign"]).check_returncode()


def test_it_passes_and_touches_nobody(daemon: LabDaemon, lab: Lab) -> None:
    assert not works(lab)
    run_again(daemon)
    events, before = daemon.eve(), numbers(daemon)
    run_again(daemon)
    assert layers(daemon) == dict.fromkeys(LAYERS, True)
    assert all(0 < daemon.metric("selftest_seconds", layer=layer) < PATIENCE_SECONDS for layer in LAYERS)
    assert daemon.page("/healthz").startswith("ok\n")
    assert (daemon.eve(), numbers(daemon)) == (events, before)
    everything = json.dumps([daemon.ask(verb) for verb in ("devices", "status", "top")]) + daemon.page("/metrics")
    marks = ("198.19.103", "2001:2:0:6777", PROBE_MAC.hex(":"), f'="{PROBE_VENDOR}"')
    assert not any(mark in everything for mark in marks)
    assert not works(lab)


def test_the_command_says_pass_for_each_layer_and_family(daemon: LabDaemon) -> None:
    done = daemon.run("doctor", "--enforcement", "--json")
    assert done.returncode == 0, done.stdout
    checks = json.loads(done.stdout)["checks"]
    tried = [("dns", "UDP"), ("dns", "TCP"), ("sni", "TLS"), ("quic", "QUIC"), ("ip", "TCP")]
    through = {("dns", f"an ordinary question on br-lan over {family}") for family in ("IPv4", "IPv6")}
    assert {(check["layer"], check["what"]) for check in checks} - through == {
        (layer, f"{over} on {family}") for layer, over in tried for family in ("IPv4", "IPv6")
    }
    assert not any(check["fault"] for check in checks)
    assert daemon.run("doctor", "--enforcement").stdout.count(" pass ") == len(checks)


def chain(family: str, hook: str, rule: str) -> str:
    return f"table {family} foreign {{\n chain c {{\n type filter hook {hook}; policy accept;\n {rule}\n }}\n }}\n"


@pytest.mark.parametrize(
    ("rules", "broken", "why"),
    [
        (
            chain("netdev", 'ingress device "gw-probe0" priority -20', "udp dport 53 drop"),
            {"dns"},
            "UDP on IPv4: the sinkhole did not answer",
        ),
        (
            chain("inet", "forward priority -10", "tcp dport 443 drop"),
            {"sni", "ip"},
            "TCP on IPv6: a connection to a banned address was not refused",
        ),
        (
            chain("inet", "forward priority -10", "udp dport 443 drop"),
            {"quic"},
            "QUIC on IPv6: what followed on a cut QUIC flow did not meet its cut",
        ),
        (
            chain("inet", "output priority 0", "icmp type destination-unreachable drop"),
            {"quic"},
            "QUIC on IPv4: the client of a QUIC hello with a banned name got no ICMP error",
        ),
    ],
    ids=["questions-dropped", "packets-dropped", "quic-dropped", "refusals-dropped"],
)
def test_a_layer_that_does_not_hold_is_told(
    daemon: LabDaemon, lab: Lab, rules: str, broken: set[str], why: str
) -> None:
    with foreign(lab, rules):
        daemon.wait_for("told", lambda: {layer for layer, passes in layers(daemon).items() if not passes} == broken)
        done = daemon.run("doctor", "--enforcement")
        assert done.returncode == 1
        assert {line.split()[0] for line in done.stdout.splitlines() if " fail " in line} == broken
        assert why in daemon.ask("status")["health"]["selftest"]
        lines = [line for line in daemon.log.read_text().splitlines() if "the self-test failed" in line]
        assert all(before != after for before, after in pairwise(lines))
    daemon.wait_for("passes again", lambda: layers(daemon) == dict.fromkeys(LAYERS, True), PATIENCE_SECONDS)
    daemon.wait_for("well", lambda: not any(daemon.ask("status")["health"].values()))
    assert "the self-test passes again" in daemon.log.read_text().rpartition("the self-test failed")[2]


def test_a_link_that_somebody_removed_is_made_again(daemon: LabDaemon, lab: Lab) -> None:
    lab.gateway.run(["ip", "link", "delete", "gw-probe0"]).check_returncode()
    daemon.wait_for("there again", lambda: "gw-probe0" in lab.gateway.run(["ip", "-br", "link"]).stdout)
    daemon.wait_for("passes", lambda: daemon.run("doctor", "--enforcement").returncode == 0, PATIENCE_SECONDS)


def test_nothing_is_said_once_nothing_is_enforced(daemon: LabDaemon, lab: Lab) -> None:
    daemon.configure(configuration(lab, mode="observe") + EVERY)
    daemon.reload()
    daemon.wait_for("silent", lambda: "gatewatch_selftest_success" not in daemon.metrics())
    assert "gw-probe0" not in lab.gateway.run(["ip", "-br", "link"]).stdout
    done = daemon.run("doctor", "--enforcement", "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert {check["layer"] for check in told["checks"]} == LAYERS
    assert "can enforce" in told["tried"]
    left = lab.gateway.run(["nft", "list", "ruleset"]).stdout + lab.gateway.run(["ip", "-br", "link"]).stdout
    assert "gatewatch" not in left
    assert "gw-" not in left
