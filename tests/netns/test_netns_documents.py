"""The documents' commands that ask or change a running daemon, typed as they are written on the lab's gateway."""

import shutil
import subprocess
from pathlib import Path

import pytest
from documents import commands, make_place

from monitor.lab.gateway import Daemon
from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

# What README's commands take for granted: a group of that name.
GROUPS = '[capture]\ninterfaces = ["br-lan"]\n\n[[group]]\nname = "students"\nmembers = ["{mac}"]\n'


def typed(lab: Lab, daemon: Daemon, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell on the gateway, where the configuration lies in its usual place; that is another /etc, for it alone."""
    own = folder / "etc"
    shutil.copytree("/etc", own, symlinks=True)
    (own / "gatewatch").mkdir()
    shutil.copy(daemon.configuration, own / "gatewatch" / "gatewatch.toml")
    shell = f"mount --bind {own} /etc && exec sh -eu"
    return subprocess.run(
        lab.gateway.command(["sh", "-c", shell]),
        input=text,
        cwd=folder,
        env={**make_place(folder), "RUNTIME_DIRECTORY": str(daemon.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_questions(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    assert lab.client("phone").dig("www.tiktok.com").good
    daemon.wait_for("seen the question", lambda: daemon.metric("dns_queries_total", vendor="bytedance") >= 1)
    done = typed(lab, daemon, commands("tests/netns/test_netns_documents.py::test_the_first_questions"), tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for words in ("capture: ok", "bytedance", lab.client("phone").mac, "gatewatch_dns_queries_total", "tiktok.com"):
        assert words in done.stdout, words


def test_the_first_ban(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    done = typed(lab, daemon, commands("tests/netns/test_netns_documents.py::test_the_first_ban"), tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for words in ("nottiktok.com: no vendor", "shadow", "gatewatch_leaked_bytes_total{", 'mode="enforce"'):
        assert words in done.stdout, words
    assert daemon.ask("status")["policy"]["bans"] == []


def test_changing_bans(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    done = typed(lab, daemon, commands("tests/netns/test_netns_documents.py::test_changing_bans"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert daemon.ask("status")["policy"]["bans"] == []
    told = [event["policy"]["action"] for event in daemon.eve("policy")]
    assert told == [*["ban"] * 5, "allow", "pause", "resume", "unban", "resume"]
