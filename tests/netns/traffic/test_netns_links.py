"""Interfaces come and go while bans hold: what is watched is banned, what is not is not, and a storm costs little."""

import json
import time
from collections.abc import Iterator

import pytest
from banned import configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import WAN_INTERNET_V4, WAN_INTERNET_V6, Lan, Plan

pytestmark = pytest.mark.netns

EVENTS = 300
REST_SECONDS = 1.5
NAME = "www.tiktok.com"
LAPSED_SECONDS = 15.0


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab) + '[selftest]\nevery = "0"\n')
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The daemon of this module lives as long as its tests."""


def batch(lab: Lab, lines: list[str]) -> None:
    lab.gateway.run(["ip", "-batch", "-"], input="\n".join(lines)).check_returncode()


def probes(lab: Lab) -> int:
    """How many frames have come out of the self-test's link: some each time that the diversion is armed."""
    [link] = json.loads(lab.gateway.run(["ip", "-json", "-statistics", "link", "show", "gw-probe0"]).stdout)
    return int(link["stats64"]["rx"]["packets"])


def settled(daemon: LabDaemon, lab: Lab, more_than: int) -> int:
    """`probes` once there are more, and none has come for a while."""
    before, since = -1, time.monotonic()

    def still() -> bool:
        nonlocal before, since
        last, before = before, probes(lab)
        if before != last:
            since = time.monotonic()
        return before > more_than and time.monotonic() - since > REST_SECONDS

    daemon.wait_for("come to rest", still, 60)
    return before


def test_a_storm_of_link_events_is_answered_once_or_twice(banning: LabDaemon, lab: Lab) -> None:
    """Also one that changes nothing, and one of links that gatewatch itself might have made."""
    try:
        start = probes(lab)
        batch(lab, ["addr add 10.99.1.1/32 dev lo"])
        once = settled(banning, lab, start) - start
        batch(lab, ["link add gw-sink77 type bridge"])
        batch(
            lab,
            [f"link set {link} {state}" for _ in range(EVENTS) for link in ("gw-sink77",) for state in ("up", "down")],
        )
        batch(lab, [f"link set lo alias {number}" for number in range(EVENTS)])
        before = probes(lab)
        assert before == start + once
        batch(lab, ["addr del 10.99.1.1/32 dev lo"])
        assert settled(banning, lab, before) - before <= 2 * once
        before = probes(lab)
        batch(
            lab,
            [f"addr {verb} 10.99.1.{number % 250}/32 dev lo" for number in range(EVENTS) for verb in ("add", "del")],
        )
        batch(lab, ["addr add 10.99.1.1/32 dev lo"])
        assert settled(banning, lab, before) - before <= 5 * once
    finally:
        lab.gateway.run(["ip", "link", "del", "gw-sink77"])
        lab.gateway.run(["ip", "addr", "del", "10.99.1.1/32", "dev", "lo"])


def test_a_door_that_somebody_removed_is_made_again(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig(NAME).status == "NXDOMAIN"
    batch(lab, ["link del gw-sink0"])
    banning.wait_for("diverts again", lambda: phone.dig(NAME, options=["+time=1"]).status == "NXDOMAIN")


@pytest.fixture(scope="module")
def two() -> Iterator[Lab]:
    with Lab(
        Plan(lans=(Lan(clients=("phone",)), Lan("br-gov", ("10.20.0.0/24", "fd88::/64"), ("tablet",))))
    ) as running:
        yield running


def watching(*names: str) -> str:
    return f'[capture]\ninterfaces = {json.dumps(names)}\n[[ban]]\nvendors = ["bytedance"]\nmode = "enforce"\n'


def alive(lab: Lab) -> set[str]:
    """The interfaces; the ports of bridges are there too, where questions are diverted at them."""
    listed = lab.gateway.run(["nft", "-j", "list", "set", "inet", "gatewatch", "alive"]).stdout
    found = next(one["set"] for one in json.loads(listed)["nftables"] if "set" in one)
    names = {element["elem"]["val"] for element in found.get("elem", [])} - {"gw-probe0"}
    return {name for name in names if not name.startswith("port-")}


def reloaded(daemon: LabDaemon, configuration: str) -> None:
    """Waits until it has been taken."""
    told = daemon.log.read_text().count("reloaded: ")
    daemon.configure(configuration)
    daemon.reload()
    daemon.wait_for("reloaded", lambda: daemon.log.read_text().count("reloaded: ") > told)


def is_banned(lab: Lab, client: str) -> bool:
    return lab.client(client).dig(NAME, options=["+time=1"]).status == "NXDOMAIN"


def test_what_was_not_there_at_the_start_is_found_where_nobody_named_anything(two: Lab) -> None:
    """As while a router boots: a LAN side without its address yet, and a way out whose route is not there yet."""
    batch(two, ["addr add 192.168.9.2/24 dev wan0", "route del default", "route del ::/0 dev wan0"])
    batch(two, ["addr del 10.20.0.1/24 dev br-gov", "addr del fd88::1/64 dev br-gov"])
    try:
        daemon = two.daemon('[[ban]]\nvendors = ["bytedance"]\nmode = "enforce"\n')
        assert sorted(one["interface"] for one in daemon.ask("status")["interfaces"]) == ["br-lan", "wan0"]
    finally:
        batch(two, [f"route add default via {WAN_INTERNET_V4}", f"route add ::/0 via {WAN_INTERNET_V6} dev wan0"])
        batch(two, ["addr add 10.20.0.1/24 dev br-gov", "addr add fd88::1/64 dev br-gov nodad"])
    daemon.wait_for("banned where the address was late", lambda: is_banned(two, "tablet"))
    daemon.wait_for("left the way out alone", lambda: alive(two) == {"br-lan", "br-gov"}, LAPSED_SECONDS)
    assert "watching br-lan, br-gov: this host forwards" in daemon.log.read_text()
    assert [one["interface"] for one in daemon.ask("status")["interfaces"]] == ["br-lan", "br-gov"]
    daemon.stop()
    batch(two, ["addr del 192.168.9.2/24 dev wan0"])


def test_interfaces_change_with_a_reload(two: Lab) -> None:
    """One that is added is banned, one that is removed is free, and neither is in the way of the next reload."""
    daemon = two.daemon(watching("br-lan"))
    assert (is_banned(two, "phone"), is_banned(two, "tablet")) == (True, False)
    reloaded(daemon, watching("br-lan", "br-gov"))
    daemon.wait_for("banned the new one", lambda: is_banned(two, "tablet"))
    assert alive(two) == {"br-lan", "br-gov"}
    reloaded(daemon, watching("br-gov"))
    daemon.wait_for("let the old one go", lambda: not is_banned(two, "phone"))
    batch(two, ["addr add 10.99.1.1/32 dev lo"])
    reloaded(daemon, watching("br-gov"))
    assert (is_banned(two, "phone"), is_banned(two, "tablet")) == (False, True)
    batch(two, ["link del br-lan", "link set br-gov down"])
    daemon.wait_for("opened what it does not see", lambda: not alive(two), LAPSED_SECONDS)
    assert daemon.ask("status")["health"]["capture"] == "nothing from br-gov"
    batch(two, ["link del br-gov"])
    reloaded(daemon, watching("br-gov"))
    assert daemon.ask("status")["health"]["reload"] == ""
