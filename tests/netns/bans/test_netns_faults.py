"""What enforcement needs and does not get: one clear line, health and a metric say so, and the rest goes on."""

import subprocess
import urllib.error
from pathlib import Path

import pytest
from banned import LONG, REFUSED, RESET, configuration, works
from lacking import lacking

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4
from monitor.policy.table.rules import KILLS_MAX

pytestmark = pytest.mark.netns

WITHOUT_ADMIN = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
WITHOUT_LIBRARY = ("sh", "-c", 'mount --bind /dev/null "$(realpath "$0")" && exec "$@"')
ELSEWHERE = "203.0.113.80"


def library() -> str:
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return next(line.split()[-1] for line in known.splitlines() if "libnftables.so.1 " in line)


def health(daemon: LabDaemon) -> str:
    """The page, whatever its status."""

    def fetch() -> str:
        try:
            return daemon.page("/healthz")
        except urllib.error.HTTPError as error:
            return error.read().decode()

    return next(line for line in fetch().splitlines() if line.startswith("enforcement: "))


def lines(daemon: LabDaemon, words: str) -> int:
    return sum(words in line for line in daemon.log.read_text().splitlines())


@pytest.mark.parametrize(
    ("through", "words"),
    [
        (WITHOUT_ADMIN, "changing nftables needs CAP_NET_ADMIN"),
        (lacking("nfnetlink"), "Protocol not supported"),
        (lacking("memory"), "bans are not enforced: No buffer space available"),
        ((*WITHOUT_LIBRARY, library()), "apt-get install libnftables1"),
    ],
    ids=["privilege", "kernel", "memory", "library"],
)
def test_bans_that_cannot_be_enforced_leave_everything_else(lab: Lab, through: tuple[str, ...], words: str) -> None:
    daemon = lab.daemon(configuration(lab), through=through)
    try:
        assert words in health(daemon)
        assert daemon.metric("enforcement_up") == 0
        assert works(lab)
        daemon.wait_for("seen it", lambda: daemon.metric("flow_bytes_total", vendor="bytedance", group="phones") > 1000)
        assert daemon.metric("ban_info", vendor="bytedance") == 1
        assert (lines(daemon, "bans are not enforced"), lines(daemon, "Traceback")) == (1, 0)
    finally:
        assert daemon.stop() == 0


def test_without_network_namespaces_only_the_dns_layer_is_off(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab), through=lacking("namespaces"))
    phone = lab.client("phone")
    try:
        assert health(daemon).startswith("enforcement: the dns layer is off, sni and ip hold: ")
        assert "no network namespace of our own: Invalid argument" in health(daemon)
        assert daemon.metric("enforcement_up", part="kernel") == 1
        assert daemon.metric("enforcement_up", part="sinkhole") == 0
        assert phone.dig("www.tiktok.com").good
        phone.curl("https://www.tiktok.com/", address=ELSEWHERE)
        daemon.wait_for("cut it", lambda: daemon.metric("blocked_total", layer="sni") == 1)
        assert phone.curl(f"https://{NAMELESS_V4}/").code == REFUSED
        assert lines(daemon, "the dns layer is off") == 1
    finally:
        assert daemon.stop() == 0


def test_without_ipv6_every_layer_holds_for_ipv4(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab), through=lacking("ipv6"))
    phone = lab.client("phone")
    try:
        assert "ok" in health(daemon)
        assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
        assert phone.curl(f"https://www.tiktok.com{LONG}", address=ELSEWHERE).code in RESET
        assert phone.curl(f"https://{NAMELESS_V4}/").code == REFUSED
        assert phone.curl("https://www.example.org/").good
    finally:
        assert daemon.stop() == 0


def test_a_full_set_is_told_and_the_other_layers_hold(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(configuration(lab))
    phone = lab.client("phone")
    try:
        flows = ", ".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255} . 192.0.2.1 . 1000 . 443" for n in range(KILLS_MAX))
        script = tmp_path / "full.nft"
        script.write_text(f"add element inet gatewatch kill_tcp4_open {{ {flows} }}\n")
        lab.gateway.run(["nft", "-f", str(script)], timeout=60).check_returncode()
        for _ in range(3):
            phone.curl("https://www.tiktok.com/", address=ELSEWHERE)
        told = "set kill_tcp4_open of table inet gatewatch lacks elements: it is full"
        daemon.wait_for("told it", lambda: told in health(daemon))
        daemon.wait_for("counted", lambda: daemon.metric("kernel_refused_elements_total", reason="ENFILE") == 6)
        assert lines(daemon, told) == 1
        assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
        assert phone.curl(f"https://{NAMELESS_V4}/").code == REFUSED
        assert phone.curl("https://www.example.org/").good
    finally:
        assert daemon.stop() == 0


def test_a_second_gatewatch_waits_until_the_first_is_gone(lab: Lab) -> None:
    first = lab.daemon(configuration(lab))
    second = lab.daemon(configuration(lab, more='[metrics]\nlisten = "127.0.0.1:10054"\n'))

    def told() -> str:
        return str(second.ask("status")["health"]["enforcement"])

    try:
        assert told() == "bans are not enforced: another gatewatch enforces in this network namespace already"
        assert not works(lab)
        first.stop()
        second.wait_for("taken over", lambda: told() == "" and not works(lab))
        assert lines(second, "bans are enforced now") == 1
    finally:
        first.stop()
        assert second.stop() == 0
    assert "gatewatch" not in lab.gateway.run(["nft", "list", "ruleset"]).stdout
