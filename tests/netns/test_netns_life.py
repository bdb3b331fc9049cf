"""The daemon's life on a gateway: which interfaces it takes, what it survives, how it ends."""

import time

import pytest
from observed import configuration

from monitor.errors import EXIT_MACHINE, EXIT_USAGE, MachineError
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.network import index_of
from monitor.lab.plan import Lan, Plan

pytestmark = pytest.mark.netns

NAME = "www.tiktok.com"


def questions(daemon: LabDaemon) -> float:
    return daemon.metric("dns_queries_total", vendor="bytedance")


def test_without_a_configured_interface_it_takes_the_lans(lab: Lab) -> None:
    daemon = lab.daemon()
    lab.client("phone").dig(NAME)
    daemon.wait_for("seen the question once", lambda: questions(daemon) == 1)
    interfaces = {labels["interface"] for labels, _ in daemon.metrics()["gatewatch_capture_packets_total"]}
    assert interfaces == {"br-lan"}
    assert "br-lan" in daemon.log.read_text()
    assert daemon.stop() == 0


def test_two_lans_are_watched_at_once() -> None:
    lans = (Lan(), Lan("br-gov", ("10.20.0.0/24", "fd88::/64"), ("tablet",)))
    with Lab(Plan(lans=lans)) as two:
        daemon = two.daemon('[[group]]\nname = "gov"\nmembers = ["iface:br-gov"]\n')
        for name in ("phone", "tablet"):
            assert two.client(name).dig(NAME).good
        daemon.wait_for("seen both questions", lambda: questions(daemon) == 2)
        assert daemon.metric("dns_queries_total", vendor="bytedance", group="gov") == 1


def test_an_interface_that_went_down_is_taken_up_again(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab, "conntrack"))
    phone = lab.client("phone")
    try:
        set_state(lab, "down")
        time.sleep(0.3)
        assert daemon.child.running()
    finally:
        set_state(lab, "up")
    for ipv6 in (False, True):
        assert phone.curl(f"https://{NAME}/bytes/10000", ipv6=ipv6).good
    daemon.wait_for("seen what came after", lambda: daemon.metric("handshakes_total", vendor="bytedance") == 2)
    assert daemon.stop() == 0


def set_state(lab: Lab, state: str) -> None:
    lab.gateway.link(lambda link: link.link("set", index=index_of(link, "br-lan"), state=state))


def test_it_stops_and_says_what_it_counted(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab, "conntrack"))
    lab.client("phone").curl(f"https://{NAME}/bytes/100000")
    assert daemon.stop() == 0
    assert "bytedance" in daemon.log.read_text() or "flow" in daemon.log.read_text()
    assert sum(event["flow"]["bytes_toclient"] for event in daemon.eve("flow")) > 100_000


@pytest.mark.parametrize(
    ("section", "code", "words"),
    [
        ('interfaces = ["br-lna"]', EXIT_MACHINE, "br-lna"),
        ('interfaces = ["br-lan", "port-phone"]', EXIT_USAGE, "port-phone"),
        ('intrefaces = ["br-lan"]', EXIT_USAGE, "interfaces"),
    ],
)
def test_what_cannot_work_is_one_clear_line(lab: Lab, section: str, code: int, words: str) -> None:
    with pytest.raises(MachineError, match=words):
        lab.daemon(f"[capture]\n{section}\n")
    assert lab.daemons[-1].child.process.returncode == code
    assert len(lab.daemons[-1].log.read_text().splitlines()) == 1
