"""The real process on a cable: how it starts, what it refuses, what it survives, how it ends."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cable import FAR_MAC, FAR_V4, NEAR_MAC, NEAR_V4, Cable, cable, ip, wait_until
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from monitor.errors import EXIT_MACHINE
from monitor.lab.child import environment, python_module
from monitor.lab.gateway import LabDaemon, is_ready, notify_socket

pytestmark = pytest.mark.netns

ETHER = Ether(src=FAR_MAC, dst=NEAR_MAC)
QUESTION = IP(src=FAR_V4, dst=NEAR_V4) / UDP(sport=4000, dport=53) / DNS(qd=DNSQR(qname="www.tiktok.com"))
FRAME = bytes(ETHER / QUESTION)
COMMAND = "monitor.cli.main"


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def started(wire: Cable, folder: Path, configuration: str = "") -> LabDaemon:
    daemon = LabDaemon(wire.near, folder / "daemon", configuration, ("-i", "v0"))
    daemon.start()
    return daemon


def refused(wire: Cable, folder: Path, *before: str, arguments: tuple[str, ...] = ("-i", "v0")) -> tuple[int, str]:
    """Exit code and standard error of a daemon that must not start."""
    known = environment({"RUNTIME_DIRECTORY": str(folder / "run")})
    command = wire.near.command([*before, *python_module(COMMAND, "run", *arguments)])
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=known, check=False)
    return done.returncode, done.stderr


def questions(daemon: LabDaemon) -> float:
    return daemon.metric("dns_queries_total", vendor="bytedance")


def test_the_daemon_imports_nothing_that_only_the_lab_or_an_update_needs() -> None:
    names = "('scapy', 'pyroute2', 'httpx', 'httpcore', 'anyio', 'certifi', 'minisign', 'monitor.lists.update')"
    modules = "sys, monitor.cli.verbs.run, monitor.lists.child"
    code = f"import {modules}; print([name for name in {names} if name in sys.modules])"
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.strip() == "[]"


def test_a_life(wire: Cable, tmp_path: Path) -> None:
    """Questions are counted, an interface that disappears and comes back is taken up, a stop is told."""
    daemon = started(wire, tmp_path, '[[ban]]\nvendors = ["bytedance"]\n')
    try:
        wire.send_frames([FRAME])
        daemon.wait_for("seen the question", lambda: questions(daemon) == 1)
        assert daemon.page("/healthz").startswith("ok\n")
        assert daemon.ask("status")["flows"] == "packets"
        ip(f"-n {wire.near.name} link del v0")
        daemon.wait_for("noticed", lambda: daemon.ask("status")["health"]["capture"] == "nothing from v0")
        wire.connect()
        daemon.wait_for("noticed", lambda: daemon.ask("status")["health"]["capture"] == "")
        wire.send_frames([FRAME])
        daemon.wait_for("seen the next question", lambda: questions(daemon) == 2)
    finally:
        code = daemon.stop()
    assert code == 0
    log = daemon.log.read_text()
    for words in ("does not forward", "v0 is gone", "v0 is captured again", "counted: "):
        assert words in log
    assert not (tmp_path / "daemon" / "control.sock").exists()


def test_bans_are_not_enforced_where_nothing_is_forwarded(wire: Cable, tmp_path: Path) -> None:
    daemon = started(wire, tmp_path, '[[ban]]\nvendors = ["bytedance"]\nmode = "enforce"\n')
    try:
        assert daemon.ask("status")["health"]["enforcement"].startswith("bans are not enforced: this host does not")
        # An alert needs a zero that is told, not a series that is missing.
        told = daemon.metrics()["gatewatch_enforcement_up"]
        assert told == [({"part": "kernel"}, 0.0), ({"part": "sinkhole"}, 0.0)]
        assert wire.near.run(["nft", "list", "ruleset"]).stdout == ""
    finally:
        daemon.stop()


def test_a_reload_takes_what_lies_in_conf_d(wire: Cable, tmp_path: Path) -> None:
    """And names the file where it does not."""
    daemon = started(wire, tmp_path)
    part = daemon.folder / "conf.d" / "ban.toml"
    try:
        old = daemon.metrics()["gatewatch_config_info"]
        part.parent.mkdir()
        part.write_text('[[ban]]\nvendors = ["bytedance"]\nmode = "observe"\n')
        daemon.reload()
        daemon.wait_for("taken the ban", lambda: daemon.metric("ban_info", vendor="bytedance", mode="observe") == 1)
        assert daemon.metrics()["gatewatch_config_info"] != old
        part.write_text("[[bann]]\n")
        daemon.reload()
        daemon.wait_for("refused", lambda: daemon.metric("config_last_reload_success") == 0)
        assert f"{part}:1: unknown key 'bann'" in daemon.ask("status")["health"]["reload"]
        assert daemon.metric("ban_info", vendor="bytedance", mode="observe") == 1
    finally:
        daemon.stop()


def test_a_reload_takes_all_or_nothing(wire: Cable, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("mine.example\n")
    section = f'[[list]]\nname = "mine"\nurl = "{names}"\nvendor = "mine"\nformat = "domains"\n'
    daemon = started(wire, tmp_path, section)
    mine = bytes(
        ETHER / IP(src=FAR_V4, dst=NEAR_V4) / UDP(sport=4001, dport=53) / DNS(qd=DNSQR(qname="a.mine.example"))
    )

    def seen() -> float:
        return daemon.metric("dns_queries_total", vendor="mine")

    try:
        wire.send_frames([mine])
        daemon.wait_for("known the list", lambda: seen() == 1)
        names.unlink()
        daemon.reload()
        daemon.wait_for("refused", lambda: daemon.metric("config_last_reload_success") == 0)
        assert "list mine" in daemon.ask("status")["health"]["reload"]
        wire.send_frames([mine])
        daemon.wait_for("kept the list", lambda: seen() == 2)
        names.write_text("other.example\n")
        daemon.configure(section + '[metrics]\nlisten = "127.0.0.1:10099"\n')
        daemon.reload()
        daemon.wait_for("taken the new list", lambda: daemon.ask("status")["health"]["reload"] == "")
        wire.send_frames([mine])
        rows = daemon.ask("status")["rows"]
        with pytest.raises(OSError, match="refused"):
            daemon.page("/metrics")
        assert rows is not None
    finally:
        assert daemon.stop() == 0
    events = [event for event in daemon.eve("dns") if event["dns"]["rrname"] == "a.mine.example"]
    assert [event["gatewatch"]["vendor"] for event in events] == ["mine", "mine", "unknown"]
    assert events[-1]["dns"]["type"] == "query"


def test_a_reload_that_the_machine_refuses_is_told_and_over(wire: Cable, tmp_path: Path) -> None:
    """No descriptor is left for the list's reader."""
    daemon = started(wire, tmp_path)
    try:
        with notify_socket(tmp_path / "daemon" / "notify") as notified:
            before = resource.prlimit(daemon.child.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(daemon.child.pid, resource.RLIMIT_NOFILE, (descriptors(daemon, free=2), before[1]))
            daemon.reload()
            wait_until(lambda: is_ready(notified), 60)
            resource.prlimit(daemon.child.pid, resource.RLIMIT_NOFILE, before)
        assert "not reloaded" in daemon.log.read_text()
        assert "Too many open files" in daemon.ask("status")["health"]["reload"]
        daemon.reload()
        daemon.wait_for("taken", lambda: daemon.ask("status")["health"]["reload"] == "")
    finally:
        assert daemon.stop() == 0


def descriptors(daemon: LabDaemon, free: int) -> int:
    """A limit below which so many numbers are free."""
    used = {int(number) for number in os.listdir(f"/proc/{daemon.child.pid}/fd")}
    return next(limit for limit in range(1024) if limit - sum(number < limit for number in used) == free)


def test_two_daemons(wire: Cable, tmp_path: Path) -> None:
    daemon = started(wire, tmp_path)
    try:
        code, said = refused(wire, tmp_path)
        assert (code, said.count("\n")) == (EXIT_MACHINE, 1)
        assert "cannot serve metrics at 127.0.0.1:10053: Address already in use" in said
    finally:
        daemon.stop()


@pytest.mark.parametrize(
    ("before", "arguments", "words"),
    [
        ((), ("-i", "nothing0"), "interface nothing0 does not exist; there are lo, v0"),
        ((), (), "no interface to watch"),
        (
            ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"),
            ("-i", "v0"),
            "no permission to capture on v0: run as root, or with CAP_NET_RAW",
        ),
    ],
    ids=["interface", "default", "privilege"],
)
def test_what_is_missing_is_one_clear_line(
    wire: Cable, tmp_path: Path, before: tuple[str, ...], arguments: tuple[str, ...], words: str
) -> None:
    code, said = refused(wire, tmp_path, *before, arguments=arguments)
    assert (code, said.count("\n")) == (EXIT_MACHINE, 1), said
    assert words in said


def test_events_whose_reader_has_gone(wire: Cable, tmp_path: Path) -> None:
    """`gatewatch run | head -1` ends as soon as nobody reads."""
    file = tmp_path / "g.toml"
    file.write_text('[events]\npath = "-"\n')
    command = wire.near.command(python_module(COMMAND, "run", "-i", "v0", "--config", str(file)))
    known = environment({"RUNTIME_DIRECTORY": str(tmp_path / "run")})
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=known) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "running" not in process.stderr.readline():
            assert process.poll() is None
        wire.send_frames([FRAME])
        assert json.loads(process.stdout.readline())["event_type"] == "dns"
        process.stdout.close()
        wire.send_frames([FRAME])
        try:
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
