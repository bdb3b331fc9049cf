"""A reload in the middle of a transfer: the flow goes on, its bytes are whole, and the new configuration rules."""

import time

import pytest
from observed import TOLERANCE, configuration

from monitor.lab.capture import both_ways
from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

DOWNLOAD = "https://www.tiktok.com/bytes/9000000?rate=200000"


@pytest.mark.parametrize("flows", ["conntrack", "packets"])
def test_a_download_is_counted_whole_across_a_reload(lab: Lab, flows: str) -> None:
    daemon = lab.daemon(configuration(lab, flows))
    before = daemon.metric("config_info")
    capture = lab.capture()
    download, port = lab.client("laptop").start_curl(DOWNLOAD)
    daemon.wait_for("seen it begin", lambda: daemon.metric("handshakes_total", vendor="bytedance") >= 1)
    laptop = lab.client("laptop").mac
    daemon.configure(configuration(lab, flows, f'[[group]]\nname = "laptops"\nmembers = ["{laptop}"]\n'))
    old = daemon.page("/metrics")
    daemon.reload()
    daemon.wait_for("taken the new configuration", lambda: hash_of(daemon.page("/metrics")) != hash_of(old))
    time.sleep(0.5)
    assert download.running(), "the download must still run when the reload is over"
    download.stop()
    _, up, down = both_ways(capture.stop(), "tcp", port)
    daemon.wait_for(
        "counted the download",
        lambda: daemon.metric("flow_bytes_total", vendor="bytedance", direction="down") > 0.99 * down.bytes,
    )
    assert daemon.metric("config_last_reload_success") == before == 1
    assert daemon.stop() == 0
    [event] = [event for event in daemon.eve("flow") if event["src_port"] == port and event["proto"] == "TCP"]
    assert event["flow"]["bytes_toclient"] == pytest.approx(down.bytes, rel=TOLERANCE)
    assert event["flow"]["bytes_toserver"] == pytest.approx(up.bytes, rel=TOLERANCE)
    assert event["gatewatch"]["vendor"] == "bytedance"
    assert event["gatewatch"]["evidence"] == "sni"


def test_a_bad_configuration_changes_nothing(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab, "conntrack"))
    old = hash_of(daemon.page("/metrics"))
    daemon.configure("[capture]\nintefaces = []\n")
    daemon.reload()
    daemon.wait_for("refused", lambda: daemon.metric("config_last_reload_success") == 0)
    assert hash_of(daemon.page("/metrics")) == old
    assert "interfaces" in daemon.log.read_text()
    assert lab.client("phone").dig("www.tiktok.com").good
    daemon.wait_for("seen the question", lambda: daemon.metric("dns_queries_total", vendor="bytedance") >= 1)
    assert daemon.stop() == 0


def hash_of(page: str) -> str:
    return next(line for line in page.splitlines() if line.startswith("gatewatch_config_info"))
