"""A ban that begins while data flows, and its end, typed in as it is done."""

import json
import time
from collections.abc import Iterable, Iterator

import pytest

from monitor.lab.capture import Capture, both_ways, tally
from monitor.lab.child import Child
from monitor.lab.gateway import Daemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

pytestmark = pytest.mark.netns

NAME = "www.capcut.com"
# Outside the vendor's prefixes: only names lead there.
ADDRESSES = ("203.0.113.30", "2001:db8:cd::30")
STREAM = "/bytes/1000000000?rate=400000"
FLOWING_BYTES = 20_000
# The streams would go on for 40 minutes.
CUT_SECONDS = 20.0
SILENT_SECONDS = 1.5
CONNECTION_DIED = 56  # curl: failed to receive


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab for each test: what a QUIC server of one test still sends would be a leak of the next one."""
    with Lab(Plan(masquerade=True)) as running:
        yield running


@pytest.fixture
def watching(lab: Lab) -> Iterator[Daemon]:
    mac = lab.client("phone").mac
    group = f'[[group]]\nname = "phones"\nmembers = ["{mac}"]\n'
    daemon = lab.daemon(f'[capture]\ninterfaces = ["br-lan"]\n\n{group}')
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The daemon of a test ends with its lab."""


def order(daemon: Daemon, *words: str) -> float:
    """When an order that was typed in was given, in seconds since the epoch."""
    done = daemon.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return float(json.loads(done.stdout)["order"]["time"])


def start_downloads(lab: Lab) -> dict[tuple[str, int], Child]:
    """One over TCP and one over QUIC for each family, by protocol and the client's port."""
    phone = lab.client("phone")
    downloads = {}
    for address in ADDRESSES:
        child, port = phone.start_curl(f"https://{NAME}{STREAM}", address=address, ipv6=":" in address)
        downloads["tcp", port] = child
        child, port = phone.start_quic(NAME, address, STREAM)
        downloads["udp", port] = child
    return downloads


def all_flow(capture: Capture, downloads: Iterable[tuple[str, int]]) -> bool:
    """Whether the witness has seen data of every one of them."""
    down = {(key[0], key[4]): counted.bytes for key, counted in tally(capture.path).items()}
    return all(down.get(download, 0) > FLOWING_BYTES for download in downloads)


def all_silent(capture: Capture, downloads: Iterable[tuple[str, int]]) -> bool:
    """Whether the witness has seen no data of any of them for a while."""
    down = {(key[0], key[4]): counted.last for key, counted in tally(capture.path).items()}
    return all(time.time() - down[download] > SILENT_SECONDS for download in downloads)


@pytest.mark.parametrize("masqueraded", [True, False])
def test_downloads_end_with_the_ban_and_begin_again_without(watching: Daemon, lab: Lab, masqueraded: bool) -> None:
    """They stop and stay stopped, as tcpdump has seen it; without the ban QUIC's client goes on."""
    phone = lab.client("phone")
    if not masqueraded:
        lab.gateway.run(["nft", "flush", "chain", "inet", "lab_firewall", "postrouting"]).check_returncode()
    capture = lab.capture()
    downloads = start_downloads(lab)
    watching.wait_for("seen them flow", lambda: all_flow(capture, downloads))
    began = order(watching, "ban", "bytedance", "--group", "phones")
    for (protocol, _), child in downloads.items():
        assert protocol == "udp" or child.finish(60) == CONNECTION_DIED
    watching.wait_for("cut them", lambda: all_silent(capture, downloads))
    seen = capture.stop()
    order(watching, "unban", "bytedance")
    for address in ADDRESSES:
        assert phone.curl(f"https://{NAME}/", address=address, ipv6=":" in address).good
    assert phone.quic(NAME, ADDRESSES[not masqueraded]).good
    for download, child in downloads.items():
        _, _, down = both_ways(seen, *download)
        assert -1 < down.last - began < CUT_SECONDS, download
        child.stop()
    assert watching.metric("leaked_bytes_total") == 0
