"""A ban that begins while data flows, and its end, typed in as it is done."""

import json
from collections.abc import Iterator

import pytest

from monitor.lab.capture import both_ways
from monitor.lab.downloads import ADDRESSES, NAME, Downloads
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

pytestmark = pytest.mark.netns

# The streams would go on for 40 minutes.
CUT_SECONDS = 20.0
CONNECTION_DIED = 56  # curl: failed to receive


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab for each test: what a QUIC server of one test still sends would be a leak of the next one."""
    with Lab(Plan(masquerade=True)) as running:
        yield running


@pytest.fixture
def watching(lab: Lab) -> Iterator[LabDaemon]:
    mac = lab.client("phone").mac
    group = f'[[group]]\nname = "phones"\nmembers = ["{mac}"]\n'
    daemon = lab.daemon(f'[capture]\ninterfaces = ["br-lan"]\n\n{group}')
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The daemon of a test ends with its lab."""


def order(daemon: LabDaemon, *words: str) -> float:
    """When an order that was typed in was given, in seconds since the epoch."""
    done = daemon.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return float(json.loads(done.stdout)["order"]["time"])


@pytest.mark.parametrize("masqueraded", [True, False])
def test_downloads_end_with_the_ban_and_begin_again_without(watching: LabDaemon, lab: Lab, masqueraded: bool) -> None:
    """They stop and stay stopped, as tcpdump has seen it; without the ban QUIC's client goes on."""
    phone = lab.client("phone")
    if not masqueraded:
        lab.gateway.run(["nft", "flush", "chain", "inet", "lab_firewall", "postrouting"]).check_returncode()
    capture = lab.capture()
    downloads = Downloads(lab)
    watching.wait_for("seen them flow", lambda: downloads.all_flow(capture))
    began = order(watching, "ban", "bytedance", "--group", "phones")
    for (protocol, _), child in downloads.children.items():
        assert protocol == "udp" or child.finish(60) == CONNECTION_DIED
    watching.wait_for("cut them", lambda: downloads.all_silent(capture))
    seen = capture.stop()
    order(watching, "unban", "bytedance")
    for address in ADDRESSES:
        assert phone.curl(f"https://{NAME}/", address=address, ipv6=":" in address).good
    assert phone.quic(NAME, ADDRESSES[not masqueraded]).good
    for download, child in downloads.children.items():
        _, _, down = both_ways(seen, *download)
        assert -1 < down.last - began < CUT_SECONDS, download
        child.stop()
    assert watching.metric("leaked_bytes_total") == 0
