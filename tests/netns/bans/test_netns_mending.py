"""Somebody takes the table away by hand while a ban holds: it is back within moments, with every layer and all cuts."""

import time
from collections.abc import Iterator

import pytest
from banned import REFUSED, configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.network import start_tracking
from monitor.lab.zone import NAMELESS_V4

pytestmark = pytest.mark.netns

# Two beats of the daemon, and what a loaded machine needs for one. A look once a minute would not do.
PATIENCE_SECONDS = 60.0
STEADY_LOOKS = 8
ELSEWHERE = "203.0.113.80"

DAMAGES = ("delete table inet gatewatch", "flush table inet gatewatch", "flush ruleset")


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab))
    yield daemon
    daemon.stop()
    # What was flushed was the gateway's own firewall too, without which conntrack sleeps.
    lab.gateway.run(["nft", "flush", "ruleset"]).check_returncode()
    start_tracking(lab.gateway, lab.plan)


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def is_diverted(lab: Lab) -> bool:
    return lab.client("phone").dig("www.tiktok.com", options=["+time=1"]).status == "NXDOMAIN"


def is_refused(lab: Lab) -> bool:
    return lab.client("phone").curl(f"https://{NAMELESS_V4}/", seconds=2).code == REFUSED


def mended(lab: Lab) -> None:
    """The dns layer and the ip layer are back, and stay."""
    began = time.monotonic()
    while not (is_diverted(lab) and is_refused(lab)):
        assert time.monotonic() - began < PATIENCE_SECONDS
    for _ in range(STEADY_LOOKS):
        assert is_diverted(lab)


@pytest.mark.parametrize("event", [False, True], ids=["alone", "with an interface event"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_somebody_takes_away_comes_back(banning: LabDaemon, lab: Lab, damage: str, event: bool) -> None:
    assert is_diverted(lab)
    repairs = banning.metric("kernel_repairs_total", result="ok")
    lab.gateway.run(["nft", damage]).check_returncode()
    if event:
        change = "del" if "10.99.0.1" in lab.gateway.run(["ip", "addr", "show", "lo"]).stdout else "add"
        lab.gateway.run(["ip", "addr", change, "10.99.0.1/32", "dev", "lo"]).check_returncode()
    mended(lab)
    assert "put back" in banning.log.read_text()
    banning.wait_for("counted it", lambda: banning.metric("kernel_repairs_total", result="ok") > repairs)
    assert banning.page("/healthz").startswith("ok\n")


def test_flows_that_were_cut_stay_cut(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    cut = phone.curl("https://www.tiktok.com/", address=ELSEWHERE)
    flow = f"{phone.v4} . {ELSEWHERE} . {cut.port} . 443"
    held = ["nft", "get", "element", "inet", "gatewatch", "kill_tcp4_open", f"{{ {flow} }}"]
    banning.wait_for("cut it", lambda: lab.gateway.run(held).returncode == 0)
    lab.gateway.run(["nft", "delete", "table", "inet", "gatewatch"]).check_returncode()
    banning.wait_for("cut it again", lambda: lab.gateway.run(held).returncode == 0)


def test_other_changes_of_nftables_mend_nothing(banning: LabDaemon, lab: Lab) -> None:
    """The daemon's own transactions and somebody else's are told apart from damage."""
    told = banning.log.read_text().count("put back")
    ok = banning.metric("kernel_transactions_total", result="ok")
    for number in range(3):
        lab.gateway.run(["nft", f"add table inet foreign{number}"]).check_returncode()
        lab.client("phone").curl("https://www.tiktok.com/", address=ELSEWHERE)
    banning.wait_for("gone on", lambda: banning.metric("kernel_transactions_total", result="ok") >= ok + 5)
    assert banning.log.read_text().count("put back") == told
    for number in range(3):
        lab.gateway.run(["nft", f"delete table inet foreign{number}"]).check_returncode()
