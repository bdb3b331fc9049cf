"""A ban that bans nothing, as an administrator meets it: refused, or visible as such everywhere."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cable import Cable, cable

from monitor.errors import EXIT_FINDING, EXIT_OK, EXIT_USAGE
from monitor.lab.child import environment, python_module
from monitor.lab.gateway import LabDaemon

pytestmark = pytest.mark.netns

GROUPS = """
[capture]
flows = "packets"

[[group]]
name = "phones"
members = ["02:00:00:00:00:77"]

[[group]]
name = "empty"
"""
UNKNOWN = '[[ban]]\nvendors = ["no-such-app"]\nmode = "enforce"\n'
KNOWN = '[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n'
WHY = "no list knows 'no-such-app'"


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        ends.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "netfilter/nf_conntrack_acct": 1})
        yield ends


@pytest.fixture(scope="module")
def daemon(wire: Cable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDaemon]:
    """As the service starts it."""
    folder = tmp_path_factory.mktemp("states")
    running = LabDaemon(wire.near, folder / "daemon", GROUPS + UNKNOWN + KNOWN, ("-i", "v0", "--lenient"))
    running.start()
    yield running
    running.stop()


def states(daemon: LabDaemon) -> dict[str, str]:
    return {", ".join(ban["vendors"]): ban["state"] for ban in daemon.ask("status")["policy"]["bans"]}


def test_run_refuses_a_ban_of_what_no_list_knows(wire: Cable, tmp_path: Path) -> None:
    path = tmp_path / "gatewatch.toml"
    path.write_text(f'[state]\npath = "{tmp_path}"\n{UNKNOWN}')
    command = wire.near.command(python_module("monitor.cli.main", "run", "-i", "v0", "--config", str(path)))
    known = environment({"RUNTIME_DIRECTORY": str(tmp_path / "run")})
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=known, check=False)
    assert done.returncode == EXIT_USAGE
    assert f"{path}:4: ban 1.vendors: {WHY}" in done.stderr


def test_every_place_says_that_the_ban_is_ineffective_and_why(daemon: LabDaemon) -> None:
    assert states(daemon) == {"no-such-app": "ineffective", "bytedance": "idle"}
    shown = daemon.run("status").stdout
    assert f"bans: ineffective: no-such-app for everyone: {WHY}" in shown
    assert "  idle: no device of the group was seen in the last hour" in shown
    page = daemon.page("/")
    assert "<strong>Degraded</strong>" in page
    assert "Healthy" not in page
    assert "degraded · gatewatch" in page
    assert "ineffective" in page
    health = daemon.page("/healthz")  # raises for anything but 200
    assert health.startswith("degraded\n")
    assert f"bans: ineffective: no-such-app for everyone: {WHY}" in health
    assert daemon.log.read_text().count("the ban of no-such-app for everyone is ineffective") == 1


def test_metrics_have_the_state_and_no_ban_in_force(daemon: LabDaemon) -> None:
    labels = {"vendor": "no-such-app", "group": "all", "mode": "enforce"}
    assert daemon.metric("ban_state", **labels, state="ineffective") == 1
    assert daemon.metric("ban_state", **labels) == 1
    assert daemon.metric("ban_info", vendor="no-such-app") == 0
    assert daemon.metric("ban_state", vendor="bytedance", group="phones", state="idle") == 1
    assert daemon.metric("ban_info", vendor="bytedance") == 1


def test_exit_codes_restart_nothing_and_strict_finds_it(daemon: LabDaemon) -> None:
    assert daemon.run("status").returncode == EXIT_OK
    assert daemon.run("status", "--strict").returncode == EXIT_FINDING
    assert daemon.run("check", "--config", str(daemon.configuration)).returncode == EXIT_USAGE
    assert daemon.run("check", "--lenient", "--config", str(daemon.configuration)).returncode == EXIT_OK


def test_doctor_finds_it_with_and_without_the_daemon(daemon: LabDaemon) -> None:
    found = daemon.run("doctor", "--config", str(daemon.configuration)).stdout
    assert f"bans: the ban of no-such-app for all is ineffective: {WHY}" in found
    tried = daemon.run("doctor", "--enforcement")
    assert tried.returncode == EXIT_FINDING
    assert [line.split()[0] for line in tried.stdout.splitlines() if " fail " in line] == ["ban"]
    assert WHY in tried.stdout


def test_a_ban_at_run_time_that_would_stop_nothing_is_refused(daemon: LabDaemon) -> None:
    before = daemon.ask("status")["policy"]["orders"]
    done = daemon.run("ban", "bytedance", "--group", "empty")
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert "this ban would have no effect: the group 'empty' has no members" in done.stderr
    assert daemon.ask("status")["policy"]["orders"] == before


def test_the_answer_to_a_ban_says_where_it_does_not_hold_at_present(tmp_path: Path) -> None:
    with cable() as still:  # forwards nothing
        daemon = LabDaemon(still.near, tmp_path / "daemon", "", ("-i", "v0"))
        daemon.start()
        try:
            done = daemon.run("ban", "xai")
            assert (done.returncode, done.stderr.count("\n")) == (EXIT_OK, 1)
            assert "at present this ban is ineffective: bans are not enforced: this host does not" in done.stderr
            assert daemon.metric("ban_state", vendor="xai", state="ineffective") == 1
        finally:
            daemon.stop()


def test_a_reload_refuses_another_unknown_vendor_and_keeps_the_old_policy(daemon: LabDaemon) -> None:
    daemon.configure(GROUPS + UNKNOWN + '[[ban]]\nvendors = ["nor-this-one"]\n')
    done = daemon.run("reload")
    assert done.returncode == EXIT_FINDING
    assert "no list knows 'nor-this-one'" in done.stderr
    assert "no-such-app" not in done.stderr  # it runs with that one already
    assert states(daemon) == {"no-such-app": "ineffective", "bytedance": "idle"}


def test_the_corrected_configuration_makes_all_well(daemon: LabDaemon) -> None:
    daemon.configure(GROUPS + KNOWN)
    assert daemon.run("reload").returncode == EXIT_OK
    assert daemon.page("/healthz").startswith("ok\n")
    assert "Healthy" in daemon.page("/")
    assert daemon.run("status", "--strict").returncode == EXIT_OK
    daemon.configure(GROUPS + UNKNOWN + KNOWN)
    assert daemon.run("reload").returncode == EXIT_FINDING
