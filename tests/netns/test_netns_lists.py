"""`gatewatch lists update` beside a running daemon: what is new rules at once, no flow is lost, nothing bad rules."""

import time

import pytest
from observed import TOLERANCE, configuration

from monitor.lab.capture import both_ways
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

DOWNLOAD = "https://www.tiktok.com/bytes/9000000?rate=200000"
SECTIONS = """
[[list]]
name = "theirs"
url = "{url}"
format = "domains"
interval = "6h"
public_suffixes = "refuse"

[[list]]
name = "not-yet"
url = "https://127.0.0.1:1/list"
"""


def update(daemon: LabDaemon, *names: str) -> tuple[int, str]:
    """Exit code, and all that is said."""
    done = daemon.run("lists", "update", *names, "--config", str(daemon.configuration))
    return done.returncode, done.stdout + done.stderr


def succeeded(daemon: LabDaemon, name: str) -> float:
    return daemon.metric("list_last_success_timestamp_seconds", list=name)


def test_an_update_is_taken_without_losing_a_flow(lab: Lab) -> None:
    source = lab.folder / "theirs.txt"
    source.write_text("www.example.org\n")
    daemon = lab.daemon(configuration(lab, "conntrack", SECTIONS.format(url=source.as_uri())))
    assert (
        "list not-yet: no copy of it yet: run `gatewatch lists update not-yet` to fetch one" in daemon.log.read_text()
    )
    assert (succeeded(daemon, "theirs"), succeeded(daemon, "not-yet")) == (0, 0)
    assert daemon.metric("list_update_interval_seconds", list="theirs") == 21_600
    capture = lab.capture()
    download, port = lab.client("laptop").start_curl(DOWNLOAD)
    before = time.time()
    code, said = update(daemon, "theirs")
    assert (code, "the daemon has read the lists again" in said) == (0, True), said
    daemon.wait_for("told of the success", lambda: succeeded(daemon, "theirs") >= before)
    assert lab.client("phone").dig("www.example.org").good
    daemon.wait_for("known the list", lambda: daemon.metric("dns_queries_total", vendor="theirs") >= 1)
    assert download.running(), "the download must still run when the lists have been read again"

    source.write_text("www.example.org\ncom\n")
    taken = succeeded(daemon, "theirs")
    code, said = update(daemon, "theirs", "not-yet")
    assert (code, "would ban a public suffix" in said, "Connection refused" in said) == (1, True, True)
    assert "the daemon has these lists already" in said
    daemon.wait_for("told of both failures", lambda: daemon.metric("list_failed_updates") == 2)
    assert (succeeded(daemon, "theirs"), daemon.metric("list_entries", list="theirs")) == (taken, 1)
    assert "not updated: line 2 would ban a public suffix" in daemon.page("/")

    source.write_text("www.example.org\n")
    assert update(daemon, "theirs")[0] == 0
    daemon.wait_for("told that unchanged is a success too", lambda: succeeded(daemon, "theirs") > taken)
    download.stop()
    _, _, down = both_ways(capture.stop(), "tcp", port)
    assert daemon.metric("config_last_reload_success") == 1
    daemon.reload()
    daemon.wait_for("reloaded without a copy of one list", lambda: "reloaded: " in daemon.log.read_text())
    assert daemon.stop() == 0
    [event] = [event for event in daemon.eve("flow") if event["src_port"] == port and event["proto"] == "TCP"]
    assert event["flow"]["bytes_toclient"] == pytest.approx(down.bytes, rel=TOLERANCE)
    assert event["gatewatch"]["vendor"] == "bytedance"
