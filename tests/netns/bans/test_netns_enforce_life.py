"""How bans begin and end: with a reload, with the daemon's death, with a clean stop that leaves nothing."""

import os
import signal
import time

import pytest
from banned import configuration, works

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

# The address of m.tiktok.com, inside a prefix of its vendor.
ALLOWED_V4 = "71.18.3.30"

PATIENCE_SECONDS = 60.0

DOWNLOAD = "https://www.capcut.com/bytes/1000000000?rate=1000000"


def told(daemon: LabDaemon) -> dict[str, str]:
    """The last verdict."""
    verdicts = daemon.eve("verdict")
    return verdicts[-1]["verdict"] if verdicts else {}


families = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_daemon_bans_nobody(lab: Lab, kill: signal.Signals) -> None:
    daemon = lab.daemon(configuration(lab))
    try:
        assert not works(lab)
        os.kill(daemon.child.pid, kill)
        died = time.monotonic()
        while not works(lab):
            assert time.monotonic() - died < PATIENCE_SECONDS
    finally:
        if kill == signal.SIGSTOP:
            os.kill(daemon.child.pid, signal.SIGCONT)
        daemon.stop()
    again = lab.daemon(configuration(lab))
    assert not works(lab)
    again.stop()


def test_a_stop_leaves_nothing(lab: Lab) -> None:
    def state() -> str:
        commands = ("nft list ruleset", "ip -br link", "ip rule", "ip route show table all", "ip -6 rule")
        return "".join(lab.gateway.run(command.split()).stdout for command in commands)

    before = state()
    daemon = lab.daemon(configuration(lab))
    assert "table inet gatewatch" in state()
    assert daemon.stop() == 0
    assert state() == before
    assert works(lab)


@pytest.mark.parametrize("mode", ["observe", "none"])
def test_who_only_observes_touches_nothing(lab: Lab, mode: str) -> None:
    text = configuration(lab, mode="observe")
    daemon = lab.daemon(text if mode == "observe" else text[: text.index("[[ban]]")])
    try:
        assert works(lab)
        assert "gatewatch" not in lab.gateway.run(["nft", "list", "ruleset"]).stdout
    finally:
        daemon.stop()


@pytest.mark.parametrize("flows", ["conntrack", "packets"])
def test_shadow_stops_nothing_and_counts_what_it_would_have(lab: Lab, flows: str) -> None:
    daemon = lab.daemon(configuration(lab, flows, mode="shadow"))
    try:
        assert works(lab)
        for layer in ("dns", "sni", "ip"):
            assert daemon.metric("shadow_blocked_total", vendor="bytedance", group="phones", layer=layer) >= 1
        assert daemon.metric("blocked_total") == 0
        assert daemon.metric("leaked_bytes_total") == 0
    finally:
        daemon.stop()


@families
def test_a_ban_that_starts_stops_a_download_and_its_end_lets_it_go_on(lab: Lab, ipv6: bool) -> None:
    daemon = lab.daemon(configuration(lab, mode="observe"))
    try:
        child, _ = lab.client("phone").start_curl(DOWNLOAD, ipv6=ipv6)
        time.sleep(1)
        assert child.running()
        daemon.configure(configuration(lab))
        daemon.reload()
        began = time.monotonic()
        while child.running():
            assert time.monotonic() - began < PATIENCE_SECONDS
            time.sleep(0.02)
        daemon.wait_for("told", lambda: {"action": "block", "layer": "sni"}.items() <= told(daemon).items())
        daemon.configure(configuration(lab, mode="observe"))
        daemon.reload()
        daemon.wait_for("let go", lambda: lab.client("phone").curl("https://www.capcut.com/", ipv6=ipv6).good)
        assert "gatewatch" not in lab.gateway.run(["nft", "list", "ruleset"]).stdout
    finally:
        daemon.stop()


@families
def test_an_exception_reaches_its_name_at_the_vendors_own_address(lab: Lab, ipv6: bool) -> None:
    """Also where the ban is by address: what the name's addresses are gatewatch asks by itself."""
    phone = lab.client("phone")
    more = f'allow = ["m.tiktok.com"]\n[[exception]]\ndevice = "{phone.mac}"\nname = "www.tiktok.com"\n'
    daemon = lab.daemon(configuration(lab, more=more + f'[sinkhole]\nupstream = ["{RESOLVER_V4}"]\n'))
    try:
        for name in ("www.tiktok.com", "m.tiktok.com"):
            kind = "AAAA" if ipv6 else "A"
            assert phone.dig(name, kind).records
            daemon.wait_for("let pass", lambda url=f"https://{name}/": phone.curl(url, ipv6=ipv6, seconds=2).good)
        assert phone.dig("v16-webapp.tiktok.com").status == "NXDOMAIN"
        assert not phone.curl("https://www.capcut.com/", address=NAMELESS_V4).good
        assert daemon.metric("leaked_bytes_total") == 0
        excepted = phone.dig("www.tiktok.com", kind).records[0].split()[-1]
        said = daemon.run("why", excepted, "--device", phone.mac).stdout
        assert "ip: pass, exception, as an address of www.tiktok.com" in said
        other = daemon.run("why", NAMELESS_V6 if ipv6 else NAMELESS_V4, "--device", phone.mac).stdout
        assert "ip: block by bytedance-phones" in other
    finally:
        daemon.stop()


def test_a_table_of_somebody_else_costs_a_line_and_the_rest_goes_on(lab: Lab) -> None:
    lab.gateway.run(["nft", 'add table inet gatewatch { comment "mine"; }']).check_returncode()
    daemon = lab.daemon(configuration(lab))
    try:
        assert "not gatewatch's" in daemon.ask("status")["health"]["enforcement"]
        assert daemon.metric("enforcement_up", part="kernel") == 0
        assert daemon.log.read_text().count("bans are not enforced") == 1
        assert works(lab)
        daemon.wait_for("seen it", lambda: daemon.metric("handshakes_total", vendor="bytedance", group="phones") > 0)
    finally:
        daemon.stop()
        kept = lab.gateway.run(["nft", "list", "table", "inet", "gatewatch"]).stdout
        lab.gateway.run(["nft", "delete", "table", "inet", "gatewatch"])
    assert "mine" in kept


def test_nobody_who_may_pass_is_refused_when_the_table_was_taken_away(lab: Lab) -> None:
    """What trusted answers let pass goes back with the rest, also while no resolver answers."""
    phone, url = lab.client("phone"), "https://m.tiktok.com/"
    more = f'allow = ["m.tiktok.com"]\n[sinkhole]\nupstream = ["{RESOLVER_V4}"]\n'
    daemon = lab.daemon(configuration(lab, more=more))
    rule = f"type filter hook output priority 0; ip daddr {RESOLVER_V4} drop;"
    silence = f"table inet silence {{ chain out {{ {rule} }}; }}"
    try:
        assert phone.dig("m.tiktok.com").records
        daemon.wait_for("let pass", lambda: phone.curl(url, address=ALLOWED_V4, seconds=2).good)
        lab.gateway.run(["nft", silence]).check_returncode()
        lab.gateway.run(["nft", "delete table inet gatewatch"]).check_returncode()
        daemon.wait_for("put it back", lambda: "put back" in daemon.log.read_text())
        assert phone.curl(url, address=ALLOWED_V4, seconds=5).good
        assert not phone.curl("https://www.capcut.com/", address=NAMELESS_V4).good
    finally:
        daemon.stop()
        lab.gateway.run(["nft", "delete table inet silence"])
