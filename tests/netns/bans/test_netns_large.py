"""A large policy comes and goes while the daemon runs: nothing that was banned passes, and the loop goes on."""

import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from banned import configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4

pytestmark = [pytest.mark.netns, pytest.mark.slow]

BANS, GROUPS, DEVICES, PREFIXES = 100, 20, 1_000, 10_000
SCRAPERS, DOMAINS, INITIALS = 200, 100_000, 4_000
# A limit for a busy machine; the figures are those of `bench/stall.py`.
LOADED = 90.0


def large(folder: Path) -> str:
    """Each ban is of a vendor of its own, for one of the groups."""
    parts = []
    for group in range(GROUPS):
        macs = ", ".join(f'"02:10:00:00:{at >> 8:02x}:{at & 255:02x}"' for at in range(group, DEVICES, GROUPS))
        parts.append(f'[[group]]\nname = "g{group}"\nmembers = [{macs}]\n')
    for number in range(BANS):
        names = folder / f"vendor-{number}"
        names.write_text("".join(f"20.{at >> 8}.{at & 255}.0/25\n" for at in range(number, PREFIXES, BANS)))
        parts.append(f'[[list]]\nname = "l{number}"\nurl = "{names}"\nformat = "cidr"\nvendor = "v{number}"\n')
        parts.append(f'[[ban]]\nvendors = ["v{number}"]\ngroups = ["g{number % GROUPS}"]\nmode = "enforce"\n')
    return "".join(parts)


class Trying:
    """A client that tries a banned address without a pause; `reached` is how often somebody was there."""

    def __init__(self, lab: Lab) -> None:
        self.tried = self.reached = 0
        self._lab = lab
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: lab.client("phone").namespace.inside(self._try))

    def __enter__(self) -> "Trying":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _try(self) -> None:
        while not self._ended.is_set():
            self.tried += 1
            with suppress(OSError), socket.create_connection((NAMELESS_V4, 443), 2):
                self.reached += 1


def in_force(daemon: LabDaemon, bans: int) -> bool:
    return daemon.metric("ban_info") == bans and daemon.metric("kernel_pending_changes") == 0


def elements(lab: Lab) -> int:
    return lab.gateway.run(["nft", "list", "map", "inet", "gatewatch", "net4"], timeout=LOADED).stdout.count(" goto ")


def test_nothing_passes_while_a_large_policy_comes_and_goes(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(configuration(lab))
    try:
        few = elements(lab)
        with Trying(lab) as trying:
            daemon.configure(configuration(lab, more=large(tmp_path)))
            daemon.reload()
            daemon.wait_for("taken it all", lambda: in_force(daemon, BANS + 1), LOADED)
            assert elements(lab) == few + PREFIXES
            assert daemon.metric("kernel_load_seconds") > 0
            daemon.configure(configuration(lab))
            daemon.reload()
            daemon.wait_for("let it go", lambda: in_force(daemon, 1), LOADED)
            assert elements(lab) == few
        assert trying.tried > 20
        assert trying.reached == 0
        assert daemon.metric("kernel_refused_elements_total") == 0
    finally:
        assert daemon.stop() == 0


def holdings(lab: Lab) -> list[str]:
    """All of the table but its counts and the questions under way, in any order; nothing where there is none."""
    listed = lab.gateway.run(["nft", "-j", "list", "table", "inet", "gatewatch"], timeout=LOADED).stdout
    if not listed:
        return []
    return sorted(json.dumps(one) for one in json.loads(listed, object_hook=lasting)["nftables"])


def lasting(item: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in item.items() if name not in ("handle", "packets", "bytes", "expires")}
    if kept.get("name", "").startswith("asked"):
        kept.pop("elem", None)
    if "elem" in kept and isinstance(kept["elem"], list):
        kept["elem"] = sorted(map(str, kept["elem"]))
    return kept


def take_away(lab: Lab) -> None:
    """As soon as the table is there."""
    deadline = time.monotonic() + LOADED
    while lab.gateway.run(["nft", "delete", "table", "inet", "gatewatch"]).returncode != 0:
        assert time.monotonic() < deadline


def test_a_large_table_that_goes_again_while_it_is_put_back_comes_whole(lab: Lab, tmp_path: Path) -> None:
    daemon = lab.daemon(configuration(lab, more=large(tmp_path)))
    try:
        daemon.wait_for("taken it all", lambda: in_force(daemon, BANS + 1), LOADED)
        whole = holdings(lab)
        assert elements(lab) > PREFIXES
        for _ in range(2):
            take_away(lab)
        daemon.wait_for("put it back", lambda: holdings(lab) == whole, LOADED)
        daemon.wait_for("told it", lambda: daemon.metric("kernel_repairs_total", result="ok") >= 1)
        assert in_force(daemon, BANS + 1)
        assert "put back" in daemon.log.read_text()
        take_away(lab)
        daemon.wait_for("begun", lambda: "table inet gatewatch" in lab.gateway.run(["nft", "list", "tables"]).stdout)
    finally:
        assert daemon.stop() == 0
    assert "gatewatch" not in lab.gateway.run(["nft", "list", "tables"]).stdout


def scrape(lab: Lab, ended: threading.Event) -> None:
    def connect() -> socket.socket:
        client = socket.create_connection(("127.0.0.1", 10053), 5)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        return client

    def work() -> None:
        while not ended.is_set():
            with suppress(OSError):
                for client in [connect() for _ in range(SCRAPERS)]:
                    with client:
                        while client.recv(1 << 20):
                            pass

    lab.gateway.inside(work)


def test_the_loop_goes_on_whatever_runs_beside(lab: Lab, tmp_path: Path) -> None:
    """Two hundred scrapers, a reload of many domains and a flood of QUIC Initials, all at once."""
    names = tmp_path / "names"
    names.write_text("".join(f"n{number}.d{number % 5_000}.example\n" for number in range(DOMAINS)))
    daemon = lab.daemon(configuration(lab))
    phone, laptop = lab.client("phone"), lab.client("laptop")
    ended = threading.Event()
    threads = [
        threading.Thread(target=scrape, args=(lab, ended)),
        threading.Thread(target=lambda: laptop.flood("quic", INITIALS, "203.0.113.80")),
    ]
    try:
        for thread in threads:
            thread.start()
        listed = f'[[list]]\nname = "many"\nurl = "{names}"\nvendor = "many"\nformat = "domains"\n'
        daemon.configure(configuration(lab, more=listed))
        daemon.reload()
        while "reloaded: " not in daemon.log.read_text():
            assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
        ended.set()
        for thread in threads:
            thread.join()
        daemon.wait_for("counted its domains", lambda: daemon.metric("list_entries", list="many") == DOMAINS)
    finally:
        ended.set()
        assert daemon.stop() == 0
