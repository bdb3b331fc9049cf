"""The real process and its journal: pseudonyms that last, and files and disks that do not."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cable import FAR_MAC, FAR_V4, NEAR_MAC, Cable, cable
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from monitor.lab.gateway import LabDaemon

pytestmark = pytest.mark.netns

OUT = Ether(src=FAR_MAC, dst=NEAR_MAC) / IP(src=FAR_V4, dst="71.18.3.4")
BACK = Ether(src=NEAR_MAC, dst=FAR_MAC) / IP(src="71.18.3.4", dst=FAR_V4)


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def connection(port: int) -> list[bytes]:
    """A whole connection with a vendor's own address."""
    there, here = TCP(sport=port, dport=443, flags="S"), TCP(sport=443, dport=port, flags="SA")
    frames = [OUT / there, BACK / here, OUT / TCP(sport=port, dport=443, flags="FA")]
    return [bytes(frame) for frame in (*frames, BACK / TCP(sport=443, dport=port, flags="FA"))]


def made(wire: Cable, folder: Path, configuration: str = "") -> LabDaemon:
    return LabDaemon(wire.near, folder / "daemon", configuration, ("-i", "v0"))


def live(daemon: LabDaemon, wire: Cable, port: int) -> None:
    """One life in which one connection is seen."""
    daemon.start()
    try:
        wire.send_frames(connection(port))
        daemon.wait_for("seen it", lambda: daemon.metric("flows_total", vendor="bytedance") == 1)
    finally:
        assert daemon.stop() == 0


def test_a_day_with_a_restart_after_damage_and_with_pseudonyms(wire: Cable, tmp_path: Path) -> None:
    """The damaged file is set aside; both lives add up under one pseudonym, and nothing tells whose it is."""
    daemon = made(wire, tmp_path, '[privacy]\ndevice = "pseudonym"\n')
    state = tmp_path / "daemon" / "state"
    state.mkdir()
    (state / "journal.db").write_bytes(b"no database at all" * 500)
    live(daemon, wire, 5001)
    key = (state / "pseudonym.key").read_bytes()
    live(daemon, wire, 5002)
    (row,) = [row for row in daemon.report() if row["vendor"] == "bytedance"]
    assert (row["flows"], row["hostname"], row["addresses"]) == (2, "", [])
    assert len(bytes.fromhex(row["device"])) == 6
    assert (state / "pseudonym.key").read_bytes() == key
    assert os.stat(state / "pseudonym.key").st_mode & 0o777 == 0o600
    kept = b"".join(path.read_bytes() for path in state.iterdir())
    for secret in (FAR_MAC.encode(), FAR_V4.encode(), bytes.fromhex(FAR_MAC.replace(":", ""))):
        assert secret not in kept
    aside = state / "journal.db.damaged"
    assert aside.read_bytes() == b"no database at all" * 500
    lines = [line for line in daemon.log.read_text().splitlines() if "journal" in line]
    assert len(lines) == 1, lines
    assert f"set aside as {aside}: a new one is created" in lines[0]


def test_a_full_disk_costs_the_journal_and_not_the_service(wire: Cable, tmp_path: Path) -> None:
    daemon = made(wire, tmp_path)
    state = tmp_path / "daemon" / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "gatewatch", state], check=True)
    try:
        with pytest.raises(OSError, match="No space"):
            (state / "ballast").write_bytes(bytes(65_536 * 2))
        daemon.start()
        wire.send_frames(connection(5004))
        daemon.wait_for("seen it", lambda: daemon.metric("flows_total", vendor="bytedance") == 1)
        daemon.wait_for("told", lambda: "writing is retried" in daemon.ask("status")["health"]["journal"])
        assert daemon.metric("journal_errors_total") >= 1
        assert daemon.stop() == 0
    finally:
        daemon.stop()
        subprocess.run(["umount", "--lazy", state], check=True)
    lines = [line for line in daemon.log.read_text().splitlines() if "cannot be written" in line]
    assert len(lines) == 1, lines
    assert str(state / "journal.db") in lines[0]
