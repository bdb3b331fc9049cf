"""Runs on the emulated machine, alone: a gateway with bans, clients at work, and a clock that is set by a day.

The last line of its output is what it found, as JSON, for `test_vm_clock.py` to judge: a stage for how it was
before and one for each setting of the clock, and what the journal and the events say at the end.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import vm.patience  # noqa: F401  (everything waits longer)
from monitor.lab.gateway import LabDaemon, notify_socket
from monitor.lab.plan import RESOLVER_V4
from monitor.lists.shipped import find_folder
from vm.emulator import is_emulated
from vm.small_network import Download, SmallNetwork

# A Wednesday at noon, so that neither an hour nor the time that this takes makes another day of it.
START: Final = "2030-06-12 12:00:00"
SETTINGS: Final = ("+1 day", "-1 day", "-1 day", "+1 day")
FAR_V4: Final = "62.4.10.10"  # in nobody's list
STRANGER_V4: Final = "203.0.113.80"  # www.example.org
CAPCUT: Final = ("flow_bytes_total{", 'service="capcut"', 'direction="down"')
TIKTOK: Final = ("flow_bytes_total{", 'service="tiktok"', 'direction="down"')
ZONE: Final = f"far.tiktok.com. 30 IN A {FAR_V4}\n"
LISTS: Final = ("bytedance", "netflix", "telegram")
BYTES: Final = 100_000
RATE: Final = 5_000
SLOW_RATE: Final = 100  # the first bytes come long after the hello
WATCHDOG_SECONDS: Final = 6
QUIET_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 150.0

CONFIGURATION: Final = """
[capture]
interfaces = ["br-lan"]
flows = "conntrack"

[sinkhole]
upstream = ["{resolver}"]

[[group]]
name = "phones"
members = ["{phone}"]

[[ban]]
vendors = ["bytedance"]
groups = ["phones"]
mode = "enforce"
reason = "Policy 7"

[[ban]]
vendors = ["telegram"]
groups = ["phones"]
mode = "enforce"
schedule = "thu 00:00-24:00"
"""
ASKED_BY_PHONE: Final = ("www.tiktok.com", "far.tiktok.com", "www.netflix.com", "web.telegram.org", "www.example.org")


class Pulse:
    """When the service manager was told that the daemon is well."""

    def __init__(self, daemon: LabDaemon) -> None:
        self._socket = notify_socket(daemon.folder / "notify")
        self._socket.settimeout(None)
        self.beats: list[float] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            if b"WATCHDOG=1" in self._socket.recv(4096):
                self.beats.append(time.monotonic())


class Story:
    def __init__(self, network: SmallNetwork) -> None:
        self.network = network
        self.phone, self.laptop = network.phone, network.laptop
        text = CONFIGURATION.format(resolver=RESOLVER_V4, phone=self.phone.mac)
        self.daemon = network.start(text, "env", f"WATCHDOG_USEC={WATCHDOG_SECONDS * 1_000_000}")
        self.pulse = Pulse(self.daemon)
        self.lines = 0
        self.events = 0
        self.stages: list[dict[str, Any]] = []

    def begin(self) -> None:
        """A ban for two hours, an address that is learned, a download that goes on until the end."""
        ordered = self.daemon.run("ban", "netflix", "--group", "phones", "--for", "2h")
        assert ordered.returncode == 0, ordered.stderr
        self.download = Download(self.laptop, "203.0.113.30", "www.capcut.com", RATE)
        self.wait_for("counted the download", lambda: self.counted(CAPCUT) > 0)
        self.wait_for("learned an address", lambda: bool(self.ask_phone()) and FAR_V4 in self.learned())
        self.new_lines()

    def set_clock(self, by: str) -> None:
        """Goes on once the daemon has said so, and has given the journal what belongs to the day before."""
        day, written = date.today(), self.written()
        subprocess.run(["date", "-s", by], check=True, stdout=subprocess.DEVNULL)
        assert abs((date.today() - day).days) == 1
        self.wait_for("noticed", lambda: "the clock was set" in "".join(self.log_lines()))
        self.wait_for("turned the journal's page", lambda: self.written() > written)

    def look(self, by: str) -> None:
        """Everything that somebody would miss, in the stage that begins with this setting of the clock."""
        began, samples = time.monotonic(), self.samples()
        self.wait_for("counted on", lambda: self.counted(CAPCUT) > total(samples, *CAPCUT))
        stage: dict[str, Any] = {"set": by, "day": date.today().isoformat(), "asked": self.ask_phone()}
        stage["refused"] = [self.phone.fetch("71.18.1.10", "nameless.test"), self.phone.fetch(FAR_V4, "nameless.test")]
        stage["reset"] = self.phone.fetch(STRANGER_V4, "www.tiktok.com", BYTES, SLOW_RATE)
        stage["passed"] = self.phone.fetch(STRANGER_V4, "www.example.org")
        stage["wakeups"] = self.wakeups()
        stage["elements"] = self.elements()
        stage["order"] = self.seconds_of_order()
        stage["health"] = self.daemon.page("/healthz")
        stage["laptop"] = [self.laptop.ask("www.tiktok.com"), self.laptop.fetch("71.18.1.10", "www.tiktok.com", BYTES)]
        self.wait_for("counted what was fetched", lambda: self.counted(TIKTOK) >= total(samples, *TIKTOK) + BYTES)
        self.wait_for("fed the watchdog", lambda: any(beat > began for beat in self.pulse.beats))
        stage["samples"] = self.samples()
        stage["received"] = self.download.received
        stage["lines"] = self.new_lines()
        stage["events"] = self.new_events()
        self.stages.append(stage)

    def renew(self) -> dict[str, float]:
        """The learned address, asked for again once its answer's TTL is over: how long the kernel keeps it."""
        before = self.learned()[FAR_V4]

        def renewed() -> bool:
            self.phone.ask("far.tiktok.com")
            return self.learned().get(FAR_V4, 0.0) > before

        self.wait_for("renewed the learned address", renewed, every=3.0)
        return {"before": before, "after": self.learned()[FAR_V4]}

    def end(self) -> dict[str, Any]:
        alive, goes_on = self.daemon.child.running(), self.download.running
        self.download.close()
        self.network.wires.gateway.run(["conntrack", "-F"])
        self.wait_for("told of the download's end", lambda: bool(self.downloads()))
        gaps = [late - early for early, late in pairwise(self.pulse.beats)]
        code = self.daemon.stop()
        rows = self.daemon.report()
        days: dict[str, int] = {}
        for row in rows:
            if (row["service"], row["device"]) == ("tiktok", self.laptop.mac):
                days[row["day"]] = days.get(row["day"], 0) + row["bytes_down"]
        [flow] = self.downloads()
        lasted = datetime.fromisoformat(flow["end"]) - datetime.fromisoformat(flow["start"])
        return {
            "alive": alive, "goes_on": goes_on, "code": code, "days": days, "gap": max(gaps), "beats": len(gaps),
            "received": self.download.received, "flow": flow, "lasted": lasted.total_seconds(),
            "lines": self.new_lines(),
        }  # fmt: skip

    def downloads(self) -> list[dict[str, Any]]:
        """The ends of flows to the download's service."""
        return [one["flow"] for one in self.daemon.eve("flow") if "capcut" in str(one.get("gatewatch", {}))]

    def ask_phone(self) -> dict[str, str]:
        return {name: self.phone.ask(name) for name in ASKED_BY_PHONE}

    def samples(self) -> dict[str, float]:
        """What `/metrics` says, by the whole of each sample's name."""
        lines = [line.rpartition(" ") for line in self.daemon.page("/metrics").splitlines() if line[:1] != "#"]
        return {name: float(value) for name, _, value in lines}

    def counted(self, labels: tuple[str, ...]) -> float:
        return total(self.samples(), *labels)

    def written(self) -> float:
        return self.counted(("journal_written_rows_total",))

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """Sets and maps of the kernel's table."""
        done = self.network.wires.gateway.run(["nft", "-j", "list", *words])
        items = json.loads(done.stdout)["nftables"]
        return [item[kind] for item in items for kind in ("set", "map") if kind in item]

    def elements(self) -> dict[str, int]:
        """How many elements each set of the table has."""
        return {one["name"]: len(one.get("elem", [])) for one in self.listed("table", "inet", "gatewatch")}

    def learned(self) -> dict[str, float]:
        """The learned addresses in the kernel, and for how long it will keep each."""
        [one] = self.listed("set", "inet", "gatewatch", "learned4")
        return {element["elem"]["val"]: float(element["elem"]["expires"]) for element in one.get("elem", [])}

    def wakeups(self) -> float:
        """How often a second the daemon's loop goes to sleep while it has little to do."""
        path = Path(f"/proc/{self.daemon.child.pid}/status")

        def sleeps() -> int:
            [line] = [line for line in path.read_text().splitlines() if line.startswith("voluntary_ctxt_switches")]
            return int(line.split()[1])

        began, before = time.monotonic(), sleeps()
        threading.Event().wait(QUIET_SECONDS)
        return (sleeps() - before) / (time.monotonic() - began)

    def seconds_of_order(self) -> float:
        """For how long the ban that was ordered still lasts, by what a restart would find."""
        [order] = json.loads((self.daemon.folder / "state/orders.json").read_text())["orders"]
        return float(order["until"]) - time.time()

    def log_lines(self) -> list[str]:
        return self.daemon.log.read_text().splitlines()[self.lines :]

    def new_lines(self) -> list[str]:
        lines = self.log_lines()
        self.lines += len(lines)
        return lines

    def new_events(self) -> list[str]:
        """The days of the events that were written since the last time, one for each row of events of one day."""
        events = self.daemon.eve()[self.events :]
        self.events += len(events)
        return [day for day, _ in groupby(event["timestamp"][:10] for event in events)]

    def wait_for(self, what: str, true: Callable[[], bool], every: float = 0.5) -> None:
        """Seldom looks, because each look costs an emulated machine something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS:.0f} s the daemon still had not: {what}"
            threading.Event().wait(every)


def total(samples: dict[str, float], family: str, *labels: str) -> float:
    """The sum of a family's samples that carry these labels."""
    return sum(value for name, value in samples.items() if family in name and all(label in name for label in labels))


def take_fewer_lists() -> None:
    """Of the shipped lists those that this is about: a slow machine takes long over all of them."""
    folder = find_folder() / "vendors"
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.stem in LISTS}
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
    for name, content in kept.items():
        (folder / name).write_bytes(content)


def main() -> int:
    if not is_emulated():
        print("this sets the clock: only for an emulated machine", file=sys.stderr)
        return 2
    os.environ["TZ"] = "UTC"
    time.tzset()
    take_fewer_lists()
    subprocess.run(["date", "-s", START], check=True, stdout=subprocess.DEVNULL)
    with SmallNetwork(ZONE) as network:
        story = Story(network)
        try:
            told = tell(story)
        except BaseException:
            print(story.daemon.log.read_text())
            raise
    print(json.dumps(told))
    return 0


def tell(story: Story) -> dict[str, Any]:
    told: dict[str, Any] = {}
    story.begin()
    story.look("")
    for number, by in enumerate(SETTINGS):
        story.set_clock(by)
        story.look(by)
        if number == 2:
            told["renewed"] = story.renew()
    told["end"] = story.end()
    told["stages"] = story.stages
    return told


if __name__ == "__main__":
    sys.exit(main())
