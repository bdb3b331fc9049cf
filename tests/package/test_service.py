"""The package on a real systemd: what it installs starts, bans from its sandbox, survives, and goes without trace."""

import os
import signal
import time
from pathlib import Path

import documented
import pytest
from machine import Machine
from service import SERVICE, SETTINGS, ban, found, main_process, overridden, rules, status_of, use

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.machine]

UNITS = (
    SERVICE,
    "gatewatch-lists.service",
    "gatewatch-lists.timer",
    "gatewatch-place.socket",
    "gatewatch-place@.service",
)
NET_ADMIN_AND_RAW = 1 << 12 | 1 << 13


@pytest.fixture(scope="module")
def settings(machine: Machine) -> Path:
    """The configuration file."""
    return machine.path(SETTINGS)


def test_it_runs_with_two_capabilities_in_a_sandbox(machine: Machine, lab: Lab) -> None:
    assert machine.is_active(SERVICE), machine.journal(SERVICE)
    known = machine.show(SERVICE, "User", "StatusText", "NRestarts")
    assert known == {"User": "gatewatch", "StatusText": "watching br-lan", "NRestarts": "0"}
    status = status_of(main_process(machine))
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == NET_ADMIN_AND_RAW
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    for path, mode in (("/var/lib/gatewatch", "750"), ("/var/lib/gatewatch/pseudonyms", "644")):
        assert machine.must("stat", "--format=%U %G %a", path) == f"gatewatch gatewatch {mode}"
    assert lab.gateway.run(["sysctl", "-n", "net.netfilter.nf_conntrack_acct"]).stdout == "1\n"
    assert "bytes from conntrack's counters" in machine.journal(SERVICE)
    assert machine.must("gatewatch", "--version").startswith("gatewatch ")
    lab_verb = machine.do("gatewatch", "lab")
    assert (lab_verb.returncode, lab_verb.stderr.count("\n")) == (3, 1)
    assert "is not installed here: `make lab` in a checkout" in lab_verb.stderr
    for verb in ("status", "report"):
        member = ("setpriv", "--reuid=65534", "--regid=gatewatch", "--clear-groups")
        assert machine.must(*member, "gatewatch", verb)


def test_the_manual_tells_every_verb_and_every_key(machine: Machine) -> None:
    page = machine.must("man", "--pager=cat", "gatewatch")
    for verb in documented.commands():
        assert f"COMMAND 'gatewatch {verb}'" in page
    settings = machine.must("man", "--pager=cat", "gatewatch.toml")
    assert "[[ban]]" in settings
    assert "retention_days = 30" in settings


def test_systemd_finds_nothing_wrong_with_the_units_and_little_exposed(machine: Machine) -> None:
    done = machine.do("systemd-analyze", "verify", *UNITS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for unit in UNITS:
        if unit.endswith(".service"):
            path = f"/usr/lib/systemd/system/{unit}"
            machine.must("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path)


def test_every_layer_bans_from_within_the_sandbox(machine: Machine, watched: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    use(machine, ban(lab))
    assert watched.metric("enforcement_up", part="kernel") == 1, machine.journal(SERVICE)
    assert watched.metric("enforcement_up", part="sinkhole") == 1, machine.journal(SERVICE)
    assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
    assert phone.dig("www.example.org").good
    assert laptop.dig("www.tiktok.com").good
    assert not phone.curl("https://www.tiktok.com/", address="203.0.113.80", seconds=2).good
    assert not phone.curl("https://www.example.org/", address=NAMELESS_V4, seconds=2).good
    assert phone.curl("https://www.example.org/").good
    passed = [line for line in machine.must("gatewatch", "doctor", "--enforcement").splitlines() if " pass " in line]
    ordinary = [line for line in passed if "an ordinary question on" in line]
    assert (len(passed) - len(ordinary), len(ordinary) in (1, 2)) == (10, True), passed
    machine.must("systemctl", "stop", SERVICE)
    assert phone.dig("www.tiktok.com").good
    assert "gatewatch" not in rules(lab)
    assert "gw-sink" not in lab.gateway.run(["ip", "link"]).stdout
    machine.wait_for("ended the place", lambda: "place@" not in machine.run("systemctl", "list-units", "--plain"))


def test_events_go_where_logs_belong(machine: Machine, lab: Lab) -> None:
    use(machine, '[events]\npath = "/var/log/gatewatch/eve.json"\n')
    assert machine.must("stat", "--format=%U %G %a", "/var/log/gatewatch") == "gatewatch gatewatch 750"
    assert lab.client("phone").dig("www.tiktok.com").good
    file = machine.path("/var/log/gatewatch/eve.json")
    machine.wait_for("written", lambda: '"rrname":"www.tiktok.com"' in file.read_text().replace(": ", ":"))


def test_schedules_follow_the_time_zone(machine: Machine, watched: LabDaemon, lab: Lab) -> None:
    """Which is often set after everything has been installed."""

    def zone(name: str) -> None:
        machine.must("ln", "--force", "--symbolic", f"/usr/share/zoneinfo/{name}", "/etc/localtime")

    around = [time.strftime("%H:%M", time.gmtime(time.time() + hours * 3600)) for hours in (-2, 2)]
    zone("Etc/UTC")
    use(machine, ban(lab) + f'schedule = "{"-".join(around)}"\n')
    watched.wait_for("banned", lambda: lab.client("phone").dig("www.tiktok.com").status == "NXDOMAIN")
    zone("Etc/GMT-12")
    watched.wait_for("let it sleep", lambda: lab.client("phone").dig("www.tiktok.com").good)
    assert "the time zone is +12 now" in machine.journal(SERVICE)
    assert "inactive by its schedule" in machine.must("gatewatch", "status")
    zone("Etc/UTC")


def test_a_bad_reload_keeps_the_old_one_and_shows(
    machine: Machine, watched: LabDaemon, lab: Lab, settings: Path
) -> None:
    use(machine, ban(lab))
    before = main_process(machine)
    settings.write_text(ban(lab) + "[captur]\n")
    assert machine.do("systemctl", "reload", SERVICE).returncode != 0
    assert "not reloaded, all stays as it was" in machine.journal(SERVICE)
    watched.wait_for("shown it", lambda: watched.metric("config_last_reload_success") == 0)
    assert machine.is_active(SERVICE)
    assert main_process(machine) == before
    assert lab.client("phone").dig("www.tiktok.com").status == "NXDOMAIN"


def test_a_wrong_configuration_stops_it_from_starting_with_the_line_of_check(machine: Machine, settings: Path) -> None:
    """What only will not work as written does not."""
    settings.write_text('[capture]\ninterface = ["br-lan"]\n')
    line = machine.do("gatewatch", "check").stderr.splitlines()[0]
    assert f"{SETTINGS}:2: " in line
    machine.must("journalctl", "--rotate", "--vacuum-time=1s")
    assert machine.do("systemctl", "restart", SERVICE).returncode != 0
    assert line.removeprefix("gatewatch: ") in machine.journal(SERVICE)
    assert not machine.is_active(SERVICE)
    settings.chmod(0o600)
    assert machine.do("systemctl", "restart", SERVICE).returncode != 0
    assert f"{SETTINGS}: cannot be read: Permission denied for user gatewatch" in machine.journal(SERVICE)
    settings.chmod(0o644)
    settings.write_text('[[group]]\nname = "later"\nmembers = ["iface:not-yet0"]\n')
    assert machine.do("gatewatch", "check").returncode == 1
    machine.must("systemctl", "start", SERVICE)
    assert "there is no interface 'not-yet0' at present" in machine.journal(SERVICE)


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_after_its_death_only_bans_that_fail_closed_hold_until_it_is_back(
    machine: Machine, watched: LabDaemon, lab: Lab, on_failure: str
) -> None:
    phone = lab.client("phone")
    use(machine, ban(lab, on_failure))
    assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
    with overridden(machine, "Restart=no"):
        os.kill(main_process(machine), signal.SIGKILL)
        machine.wait_for("cleared up", lambda: machine.show(SERVICE, "ActiveState")["ActiveState"] == "failed")
        left = rules(lab)
        assert phone.dig("www.tiktok.com").good
        assert ("v_bytedance" in left) == (on_failure == "closed")
        reached = phone.curl("https://www.example.org/", address=NAMELESS_V4, seconds=1).code != 7
        assert reached == (on_failure == "open")
    machine.must("systemctl", "start", SERVICE)
    watched.wait_for("banned again", lambda: phone.dig("www.tiktok.com").status == "NXDOMAIN")


def test_who_sees_nothing_any_more_is_started_again_until_there_is_something(
    machine: Machine, lab: Lab, settings: Path
) -> None:
    link = "ip link add gone0 type veth peer name gone1"
    up = "ip link set gone0 up && ip link set gone1 up && ip addr add 10.99.0.1/24 dev gone0"
    lab.gateway.run(["sh", "-c", f"{link} && {up}"])
    try:
        with overridden(machine, "WatchdogSec=3s\nRestartSec=1s"):
            settings.write_text('[capture]\ninterfaces = ["gone0"]\n')
            machine.must("systemctl", "restart", SERVICE)
            lab.gateway.run(["ip", "link", "del", "gone0"])
            machine.wait_for("told", lambda: "nothing is captured: if that lasts" in machine.journal(SERVICE))
            machine.wait_for("lost patience", lambda: "interface gone0 does not exist" in machine.journal(SERVICE))
            lab.gateway.run(["sh", "-c", f"{link} && {up}"])
            machine.wait_for("come back", lambda: machine.is_active(SERVICE))
            assert int(machine.show(SERVICE, "NRestarts")["NRestarts"]) > 0
            machine.must("systemctl", "stop", SERVICE)
    finally:
        lab.gateway.run(["ip", "link", "del", "gone0"])


def test_who_cannot_renew_its_bans_is_started_again_and_then_observes(
    machine: Machine, lab: Lab, settings: Path
) -> None:
    """Somebody else's table has taken the place of ours."""
    with overridden(machine, "WatchdogSec=3s\nRestartSec=1s"):
        settings.write_text(ban(lab))
        machine.must("systemctl", "restart", SERVICE)
        lab.gateway.run(["nft", "delete table inet gatewatch; add table inet gatewatch"])
        try:
            machine.wait_for("told", lambda: "bans cannot be renewed: if that lasts" in machine.journal(SERVICE))
            words = "bans are not enforced: table inet gatewatch exists"
            machine.wait_for("begun anew", lambda: words in machine.journal(SERVICE))
            machine.wait_for("gone on", lambda: machine.is_active(SERVICE))
        finally:
            lab.gateway.run(["nft", "delete", "table", "inet", "gatewatch"])
        machine.must("systemctl", "stop", SERVICE)


def test_lists_are_fetched_by_somebody_without_any_capability(machine: Machine) -> None:
    machine.path("/srv/names.txt").write_text("fetched.example\n")
    use(machine, '[[list]]\nname = "mine"\nurl = "file:///srv/names.txt"\nformat = "domains"\nvendor = "mine"\n')
    assert machine.is_active("gatewatch-lists.timer")
    machine.must("systemctl", "start", "gatewatch-lists.service")
    known = machine.show("gatewatch-lists.service", "User", "CapabilityBoundingSet", "AmbientCapabilities")
    assert known == {"User": "gatewatch-lists", "CapabilityBoundingSet": "", "AmbientCapabilities": ""}
    assert "the daemon has read the lists again" in machine.journal("gatewatch-lists.service")
    assert machine.must("stat", "--format=%U", "/var/lib/gatewatch/lists/mine.list") == "gatewatch-lists"
    assert "mine" in machine.must("gatewatch", "why", "a.fetched.example")


def test_an_upgrade_keeps_the_configuration_and_runs_the_new_one(
    machine: Machine, next_package: Path, lab: Lab, settings: Path
) -> None:
    use(machine, "# nothing\n")
    more = settings.parent / "conf.d/ban.toml"
    more.write_text(ban(lab))
    machine.must("systemctl", "reload", SERVICE)
    assert lab.client("phone").dig("www.tiktok.com").status == "NXDOMAIN"
    before = main_process(machine)
    machine.install(next_package)
    assert machine.must("dpkg-query", "--show", "--showformat=${Version}", "gatewatch").endswith("-2")
    assert (settings.read_text(), more.read_text()) == ("# nothing\n", ban(lab))
    assert machine.is_active(SERVICE)
    assert main_process(machine) != before
    assert lab.client("phone").dig("www.tiktok.com").status == "NXDOMAIN"
    assert machine.do("dpkg", "--verify", "gatewatch").stdout == ""
    more.unlink()


def test_a_purge_leaves_nothing(machine: Machine, lab: Lab) -> None:
    files = machine.must("dpkg", "--listfiles", "gatewatch").splitlines()
    use(machine, ban(lab))
    assert "gatewatch" in rules(lab)
    machine.must("dpkg", "--purge", "--no-triggers", "gatewatch")
    left = [file for file in files if "gatewatch" in file and os.path.lexists(machine.path(file))]
    left += [
        str(path)
        for folder in ("/etc", "/var/lib", "/var/cache", "/var/log", "/run")
        for path in found(machine, folder)
    ]
    assert left == []
    assert "gatewatch" not in rules(lab)
    assert machine.do("systemctl", "cat", SERVICE).returncode != 0
    assert machine.do("pgrep", "-u", "gatewatch").returncode == 1
