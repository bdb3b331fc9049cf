"""Everyone but a group, with real clients; and plain DNS under a ban of encrypted DNS, with and without the daemon."""

import os
import signal
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

[[group]]
name = "allowed"
members = ["{laptop}"]

[[ban]]
vendors = ["bytedance"]
groups = ["!allowed"]
mode = "enforce"
on_failure = "closed"

[[ban]]
vendors = ["category:encrypted-dns"]
layers = ["ip"]
mode = "enforce"
on_failure = "closed"
"""


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(CONFIGURATION.format(laptop=lab.client("laptop").mac))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def test_everyone_but_the_group_is_banned_on_each_layer(banning: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
    assert laptop.dig("www.tiktok.com").records
    assert laptop.curl("https://www.tiktok.com/").good
    for host in (NAMELESS_V4, f"[{NAMELESS_V6}]"):
        assert phone.curl(f"https://{host}/", ipv6=":" in host).code == REFUSED
        assert laptop.curl(f"https://{host}/", ipv6=":" in host).good


def test_plain_dns_to_a_listed_resolver_goes_on_without_the_daemon(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("www.example.org", server="8.8.8.8").good
    os.kill(banning.child.pid, signal.SIGKILL)
    # The diversion lapses within five seconds, from then on the question goes to the resolver itself.
    banning.child.stop()
    for tcp in ([], ["+tcp"]):
        answer = phone.dig("www.example.org", server="8.8.8.8", options=["+tries=8", "+time=2", *tcp])
        assert answer.good, answer.text
    assert phone.curl(f"https://{NAMELESS_V4}/").code == REFUSED, "the closed ban holds"
