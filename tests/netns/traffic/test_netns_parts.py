"""A part of the watched interface, as VRRP makes it: what it brings in is seen and banned with the rest."""

from collections.abc import Iterator

import pytest
from banned import configuration

from monitor.lab.client import Answer, read_answer
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4, Plan
from monitor.lab.zone import NAMELESS_V4

pytestmark = pytest.mark.netns

BANNED, BESIDE, BESIDE_V4 = "www.tiktok.com", "www.example.org", "203.0.113.80"
BY_NAME, BY_NAME_V4 = "https://www.capcut.com/", "203.0.113.30"
# A VRRP router's MAC is that of its number (RFC 9568 section 7.3); keepalived makes it with `use_vmac`.
VRRP = """
link add link br-lan name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private
link set vrrp.51 up
addr add 192.168.77.254/32 dev vrrp.51
"""
UNDO = "link del vrrp.51"
ROUTER, MAIN_ROUTER = "192.168.77.254", "192.168.77.1"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(masquerade=True)) as running:
        # Where bridged frames meet the hooks, one copy's fate would hide the other's.
        running.gateway.run(["sysctl", "-w", "net.bridge.bridge-nf-call-iptables=0"])
        running.gateway.run(["sysctl", "-w", "net.ipv4.conf.all.arp_ignore=1"])
        yield running


@pytest.fixture
def undone(lab: Lab) -> Iterator[None]:
    yield
    lab.gateway.run(["ip", *UNDO.split()])
    lab.client("phone").namespace.run(["ip", "route", "replace", "default", "via", MAIN_ROUTER])


def perform(lab: Lab) -> None:
    """The phone's router becomes a virtual one."""
    assert lab.gateway.run(["ip", "-batch", "-"], input=VRRP).returncode == 0
    lab.client("phone").namespace.run(["ip", "route", "replace", "default", "via", ROUTER])


def ask(lab: Lab, name: str, transport: str) -> Answer:
    words = ["dig", f"@{RESOLVER_V4}", name, "A", transport, "+tries=1", "+time=3"]
    return read_answer(lab.client("phone").namespace.run(words).stdout, 0)


def reaches(lab: Lab, url: str, address: str = "") -> bool:
    words = ["curl", "--insecure", "--silent", "--ipv4", "--max-time", "3", url]
    if address:
        words += ["--connect-to", f"::{address}:443"]
    return lab.client("phone").namespace.run(words).returncode == 0


@pytest.mark.parametrize("late", [False, True], ids=["from the start", "later"])
@pytest.mark.usefixtures("undone")
def test_what_a_part_brings_in_is_banned(lab: Lab, late: bool) -> None:
    if not late:
        perform(lab)
        assert reaches(lab, f"https://{NAMELESS_V4}/")
        assert reaches(lab, BY_NAME, BY_NAME_V4)
    # Nobody names the interface: the whole is taken, and its part with it.
    daemon = lab.daemon(configuration(lab).replace('interfaces = ["br-lan"]\n', ""))
    if late:
        perform(lab)
        daemon.wait_for("let the rest pass", lambda: reaches(lab, f"https://{BESIDE}/", BESIDE_V4))
        daemon.wait_for("banned what comes in there", lambda: not reaches(lab, f"https://{NAMELESS_V4}/"))
    assert "watching br-lan:" in daemon.log.read_text()
    refused = daemon.metric("blocked_total", layer="ip")

    def is_refused() -> bool:
        """Until the kernel knows of the part, only the hello ends a connection, and a fast server may be faster."""
        return not reaches(lab, f"https://{NAMELESS_V4}/") and daemon.metric("blocked_total", layer="ip") > refused

    daemon.wait_for("refused the address", is_refused)
    assert not reaches(lab, BY_NAME, BY_NAME_V4)
    assert reaches(lab, f"https://{BESIDE}/", BESIDE_V4)
    for transport in ("+notcp", "+tcp"):
        daemon.wait_for(f"diverted {transport}", lambda way=transport: ask(lab, BANNED, way).status == "NXDOMAIN")
        assert ask(lab, BESIDE, transport).good
    seen(daemon, lab)
    assert daemon.stop() == 0
    assert reaches(lab, f"https://{NAMELESS_V4}/")
    assert ask(lab, BANNED, "+notcp").good


def seen(daemon: LabDaemon, lab: Lab) -> None:
    """It is the phone that is seen, and what it moves there is counted."""
    daemon.wait_for(
        "counted the bytes", lambda: daemon.metric("flow_bytes_total", group="phones", direction="down") > 0
    )
    assert daemon.metric("devices", group="phones", vendor="bytedance") == 1
