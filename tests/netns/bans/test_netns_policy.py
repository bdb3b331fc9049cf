"""Whom a ban spares and when, with real clients; and what holds of a closed ban when the daemon is killed."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from banned import REFUSED

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

CONFIGURATION = """
[capture]
interfaces = ["br-lan"]

[protect]
names = ["www.youtube.com"]

[[group]]
name = "phones"
members = ["{phone}"]

[[ban]]
vendors = ["bytedance"]
groups = ["phones"]
mode = "enforce"
on_failure = "closed"

[[ban]]
vendors = ["telegram"]
groups = ["phones"]
mode = "enforce"
schedule = "{now}"

[[ban]]
vendors = ["meta"]
groups = ["phones"]
mode = "enforce"
schedule = "{later}"

[[ban]]
vendors = ["netflix"]
mode = "enforce"

[[ban]]
vendors = ["google"]
groups = ["phones"]
mode = "enforce"

[[exception]]
device = "{laptop}"
vendor = "netflix"
reason = "the film club"
"""
PATIENCE_SECONDS = 60.0


def window(begins: int, ends: int) -> str:
    """A schedule of so many minutes from now, in local time."""
    times = [time.strftime("%H:%M", time.localtime(time.time() + 60 * minutes)) for minutes in (begins, ends)]
    return f"mon-sun {'-'.join(times)}"


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    macs = {name: lab.client(name).mac for name in ("phone", "laptop")}
    daemon = lab.daemon(CONFIGURATION.format(**macs, now=window(-90, 90), later=window(120, 240)))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def test_a_schedule_says_when(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("web.telegram.org").status == "NXDOMAIN"
    assert phone.dig("www.instagram.com").good
    assert phone.curl("https://www.instagram.com/").good
    assert banning.metric("ban_info", vendor="telegram") == 1
    assert banning.metric("ban_info", vendor="meta") == 0


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_an_exception_spares_one_device_a_ban_of_everyone(banning: LabDaemon, lab: Lab, ipv6: bool) -> None:
    kind = "AAAA" if ipv6 else "A"
    assert lab.client("phone").dig("www.netflix.com", kind).status == "NXDOMAIN"
    assert lab.client("laptop").dig("www.netflix.com", kind).records
    assert lab.client("laptop").curl("https://www.netflix.com/", ipv6=ipv6).good
    counted = {"vendor": "netflix", "group": "all", "layer": "dns"}
    banning.wait_for("counted it", lambda: banning.metric("blocked_total", **counted) >= 1)


def test_a_protected_name_is_nobodys_to_ban(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert "Blocked" in phone.dig("www.google.com").text
    for name in ("www.youtube.com", "connectivitycheck.gstatic.com"):
        assert "Blocked" not in phone.dig(name).text
    banning.wait_for("let it pass", lambda: phone.curl("https://www.youtube.com/", seconds=2).good)


def test_a_closed_ban_holds_its_addresses_without_the_daemon(banning: LabDaemon, lab: Lab) -> None:
    phone, fixed = lab.client("phone"), 33_555
    assert phone.dig("www.tiktok.com", port=fixed).status == "NXDOMAIN"
    os.kill(banning.child.pid, signal.SIGKILL)
    died = time.monotonic()
    while not phone.dig("www.tiktok.com", port=fixed, options=["+time=1"]).good:
        assert time.monotonic() - died < PATIENCE_SECONDS
    for address, host in ((NAMELESS_V4, NAMELESS_V4), (NAMELESS_V6, f"[{NAMELESS_V6}]")):
        assert phone.curl(f"https://{host}/", ipv6=":" in address).code == REFUSED
        assert lab.client("laptop").curl(f"https://{host}/", ipv6=":" in address).good
    assert phone.curl("https://web.telegram.org/").good
    banning.child.stop()
    banning.start()
    assert phone.dig("www.tiktok.com", port=fixed).status == "NXDOMAIN"
    assert banning.stop() == 0
    assert "gatewatch" not in lab.gateway.run(["nft", "list", "ruleset"]).stdout
    assert phone.curl(f"https://{NAMELESS_V4}/").good
