"""Where questions that are not banned do not get through, the dns layer ends, says so, and comes back by itself."""

import pytest
from banned import configuration

from monitor.lab.gateway import METRICS
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

pytestmark = pytest.mark.netns

# What comes in for port 53 dies, whatever it is; the gateway's own questions do not.
BREAKER = """table inet breaker {
 chain prerouting {
 type filter hook prerouting priority raw; policy accept;
 iifname "br-lan" meta l4proto { tcp, udp } th dport 53 drop
 }
}
"""


def health(lab: Lab) -> str:
    """What health says, well or not."""
    return lab.gateway.run(["curl", "--silent", "--noproxy", "*", f"http://{METRICS}/healthz"]).stdout


def test_the_layer_is_off_while_what_it_passes_on_dies() -> None:
    with Lab(Plan(resolver="gateway")) as lab:
        phone = lab.client("phone")
        assert phone.dig("nottiktok.com").good  # a neighbour that the gateway knows
        daemon = lab.daemon(configuration(lab))
        assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
        assert daemon.run("doctor", "--enforcement").returncode == 0
        lab.gateway.run(["nft", "-f", "-"], input=BREAKER).check_returncode()
        tried = daemon.run("doctor", "--enforcement")
        assert tried.returncode == 1
        assert "an ordinary question on br-lan" in tried.stdout
        for told in (health(lab), daemon.run("status").stdout):
            assert "the dns layer is off, sni and ip hold: an ordinary question on br-lan" in told
            assert '[sinkhole].upstream = "system"' in told
        assert daemon.metric("enforcement_up", part="sinkhole") == 0
        lab.gateway.run(["nft", "delete", "table", "inet", "breaker"]).check_returncode()
        daemon.wait_for("armed again", lambda: daemon.metric("enforcement_up", part="sinkhole") == 1, 30)
        assert daemon.run("doctor", "--enforcement").returncode == 0
        assert health(lab).startswith("ok\n")
        assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
        assert phone.dig("nottiktok.com").good
