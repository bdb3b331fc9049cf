"""The documents' commands that ask or change a running daemon, typed as they are written on the lab's gateway."""

from pathlib import Path

import pytest
from documents import CHECKOUT, commands
from typed import typed

from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

# The commands name this group.
GROUPS = '[capture]\ninterfaces = ["br-lan"]\n\n[[group]]\nname = "students"\nmembers = ["{mac}"]\n'


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


def test_the_configuration_is_taken(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    done = typed(
        lab, daemon, commands("tests/netns/test_netns_documents.py::test_the_configuration_is_taken"), tmp_path
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert daemon.metric("config_last_reload_success") == 1


def test_a_ban_in_shadow(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    done = typed(lab, daemon, commands("tests/netns/test_netns_documents.py::test_a_ban_in_shadow"), tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for words in ("would have blocked", "gatewatch_shadow_blocked_total{", "enforce"):
        assert words in done.stdout, words
    assert daemon.ask("status")["policy"]["bans"] == []


def test_the_looks_of_troubleshooting(lab: Lab, tmp_path: Path) -> None:
    """`doctor` has findings where the tests run, so the last command may end with 1."""
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    text = commands("tests/netns/test_netns_documents.py::test_the_looks_of_troubleshooting")
    done = typed(lab, daemon, text, tmp_path)
    assert (done.returncode in (0, 1), done.stderr) == (True, ""), done.stdout
    status = daemon.ask("status")
    page = (CHECKOUT / "docs" / "troubleshooting.md").read_text()
    for component in (*status["health"], *status["degraded"]):
        assert f"{component}: ok" in done.stdout, component
        assert f"| `{component}` |" in page, component


def test_the_reports(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(GROUPS.format(mac=lab.client("phone").mac))
    assert lab.client("phone").curl("https://www.tiktok.com/bytes/90000").good
    daemon.wait_for("counted it", lambda: daemon.metric("flow_bytes_total", vendor="bytedance") > 90_000)
    assert daemon.stop() == 0  # it writes the journal at the latest now
    done = typed(lab, daemon, commands("tests/netns/test_netns_documents.py::test_the_reports"), tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for words in ("bytedance", '"rows"', "day,"):
        assert words in done.stdout, words
