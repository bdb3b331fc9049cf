"""Makes the state that a release leaves behind, with the real daemon: `python -P tests/upgrade/make_state.py FOLDER`.

Run it by hand as root with the tree of the release first on PYTHONPATH and tests/ behind it, and commit FOLDER as
`tests/upgrade/state-VERSION`. It holds the configuration, and the state directory after two lives of the daemon.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from cable import FAR_MAC, FAR_V4, NEAR_MAC, Cable, cable
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from monitor.lab.gateway import LabDaemon

# A subscription that was fetched once; the file itself is gone afterwards, as a server may be.
LIST = Path(tempfile.gettempdir(), "gatewatch-upgrade-list.txt")
CONFIGURATION = f"""\
[capture]
interfaces = ["v0"]

[privacy]
device = "DETAIL"
retention_days = 36500

[[group]]
name = "phones"
members = ["host:phone-*"]

[[ban]]
vendors = ["bytedance"]
groups = ["phones"]
mode = "shadow"

[[list]]
name = "mine"
url = "file://{LIST}"
"""
# The daemon takes ends within ten years only; the file gets one that stays in the future.
DAY = ("--for", "1d")
END = 4_070_908_800.0
CHANGES = (
    ("ban", "tencent/wechat", "--group", "phones", "--layers", "dns,sni", "--reason", "an exam"),
    ("ban", "category:encrypted-dns", "--shadow", *DAY),
    ("unban", "bytedance"),
    ("allow", "www.tiktok.com", "--device", FAR_MAC, *DAY, "--reason", "press"),
)
OUT = Ether(src=FAR_MAC, dst=NEAR_MAC) / IP(src=FAR_V4, dst="71.18.3.4")
BACK = Ether(src=NEAR_MAC, dst=FAR_MAC) / IP(src="71.18.3.4", dst=FAR_V4)


def lease() -> bytes:
    """A DHCP request with a host name."""
    head = Ether(src=FAR_MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255")
    body = BOOTP(chaddr=bytes.fromhex(FAR_MAC.replace(":", "")), xid=1) / DHCP(
        options=[("message-type", "request"), ("requested_addr", FAR_V4), ("hostname", b"phone-7"), "end"]
    )
    return bytes(head / UDP(sport=68, dport=67) / body)


def connection(port: int) -> list[bytes]:
    """A whole connection with a vendor's own address."""
    there, here = TCP(sport=port, dport=443, flags="S"), TCP(sport=443, dport=port, flags="SA")
    frames = [OUT / there, BACK / here, OUT / TCP(sport=port, dport=443, flags="FA")]
    return [bytes(frame) for frame in (*frames, BACK / TCP(sport=443, dport=port, flags="FA"))]


def live(daemon: LabDaemon, wire: Cable, port: int, changes: tuple[tuple[str, ...], ...]) -> None:
    """One life in which a device gets an address, talks to a vendor, and an administrator changes the policy."""
    done = daemon.run("lists", "update", "--config", str(daemon.configuration))
    assert done.returncode == 0, done.stderr
    daemon.start()
    try:
        wire.send_frames([lease(), *connection(port)])
        daemon.wait_for("seen it", lambda: daemon.metric("flows_total", vendor="bytedance") == 1)
        for change in changes:
            done = daemon.run(*change)
            assert done.returncode == 0, done.stderr
    finally:
        assert daemon.stop() == 0


def main(target: Path) -> None:
    LIST.write_text("# mine\nads.mine.example\ntracker.mine.example\n")
    with cable() as wire, tempfile.TemporaryDirectory() as folder:
        daemon = LabDaemon(wire.near, Path(folder, "daemon"), "", ())
        (daemon.folder / "state").mkdir()
        for detail, port, changes in (("pseudonym", 5001, ()), ("full", 5002, CHANGES)):
            daemon.configure(CONFIGURATION.replace("DETAIL", detail))
            live(daemon, wire, port, changes)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(daemon.folder / "state", target / "state")
        orders = target / "state/orders.json"
        orders.write_text(re.sub(r'"until": [0-9.]+', f'"until": {END}', orders.read_text()))
        (target / "gatewatch.toml").write_text(CONFIGURATION.replace("DETAIL", "full"))
        (target / "report.json").write_text(json.dumps(daemon.report(), indent=1) + "\n")
    LIST.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
