"""The daemon as somebody who may capture and change the network, and nothing else."""

import os

import pytest
from banned import LONG, RESET, configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4

pytestmark = pytest.mark.netns

NOBODY = 65534
ELSEWHERE = "203.0.113.80"
# They may also read files everywhere, because the checkout may lie where only root can go.
CAPABILITIES = "+net_raw,+net_admin,+dac_read_search"
AS_SERVICE = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps=-all,{CAPABILITIES}",
    f"--ambient-caps={CAPABILITIES}", f"--bounding-set=-all,{CAPABILITIES}", "--no-new-privs",
)  # fmt: skip
# Whoever lives in a changed root may make no user namespace (user_namespaces(7)).
WITHOUT_NAMESPACES = ("sh", "-c", 'mount --rbind / /mnt && exec chroot /mnt "$@"', "sh")


def as_service(lab: Lab, name: str, before: tuple[str, ...] = (), more: str = "") -> LabDaemon:
    daemon = LabDaemon(lab.gateway, lab.folder / name, configuration(lab, more=more), (), (*before, *AS_SERVICE))
    os.chown(daemon.folder, NOBODY, NOBODY)
    lab.daemons.append(daemon)
    daemon.start()
    return daemon


def test_two_capabilities_are_enough_for_every_layer(lab: Lab) -> None:
    daemon = as_service(lab, "daemon-service")
    phone = lab.client("phone")
    try:
        assert daemon.metric("enforcement_up", part="sinkhole") == 1
        assert daemon.ask("status")["health"]["enforcement"] == ""
        for server in ("", "9.9.9.9"):
            assert phone.dig("www.tiktok.com", server=server).status == "NXDOMAIN"
        assert phone.dig("www.example.org").good
        daemon.wait_for("counted both", lambda: daemon.metric("blocked_total", layer="dns") >= 2)
        assert daemon.stop() == 0
        assert "gw-sink" not in lab.gateway.run(["ip", "link"]).stdout
        assert "gatewatch" not in lab.gateway.run(["nft", "list", "ruleset"]).stdout
    finally:
        daemon.stop()


def test_where_no_namespace_can_be_had_one_line_says_so_and_the_other_layers_hold(lab: Lab) -> None:
    daemon = as_service(lab, "daemon-confined", WITHOUT_NAMESPACES)
    phone = lab.client("phone")
    try:
        lines = [line for line in daemon.log.read_text().splitlines() if "namespace" in line or "dns layer" in line]
        assert len(lines) == 1, lines
        assert "the dns layer is off, sni and ip hold: " in lines[0]
        assert "no network namespace of our own: Operation not permitted" in lines[0]
        assert daemon.metric("enforcement_up", part="sinkhole") == 0
        assert daemon.metric("enforcement_up", part="kernel") == 1
        assert phone.dig("www.tiktok.com").good
        assert phone.curl(f"https://www.tiktok.com{LONG}", address=ELSEWHERE).code in RESET
        assert not phone.curl("https://www.example.org/", seconds=2, address=NAMELESS_V4).good
        for layer in ("sni", "ip"):
            daemon.wait_for("counted it", lambda layer=layer: daemon.metric("blocked_total", layer=layer) >= 1)
    finally:
        daemon.stop()
