"""Seventy-two hours of load in ten minutes: `endurance.py [--seconds N] [--queries RATE] [--flows RATE]`.

Runs the daemon in the lab with a higher rate of DNS queries and new flows than many gateways ever see. Meanwhile the
lists are reloaded, an interface goes down and up, metrics are scraped every second, and a ban is added and lifted.
Prints the daemon's memory and open descriptors. Exits with 1 if the mean memory of the last third is more than 3 %
above that of the second, a descriptor was left open, or a frame was dropped. Needs root.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

GROWTH = 1.03
DESCRIPTORS = 2  # open for a moment during a scrape
WARMING_SHARE = 3
RESOLVER, SERVER = "203.0.113.53", "71.18.1.10"
SLICE_SECONDS = 30


@dataclass
class Course:
    """The measurements so far; `failures` are actions that failed."""

    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    acts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Endurance:
    """Runs all actions concurrently until `until`, each in its own thread."""

    def __init__(self, lab: Lab, daemon: LabDaemon, seconds: float) -> None:
        self.lab = lab
        self.daemon = daemon
        self.course = Course()
        self.began = time.monotonic()
        self.until = self.began + seconds
        self._banned = False

    def run(self, queries: int, flows: int) -> Course:
        works: list[tuple[str, float, Callable[[], None]]] = [
            ("floods of questions", 0.0, lambda: self._flood("laptop", "subdomains", RESOLVER, queries)),
            ("floods of flows", 0.0, lambda: self._flood("phone", "flows", SERVER, flows)),
            ("scrapes", 1.0, self._scrape),
            ("reloads", 20.0, self.daemon.reload),
            ("flaps", 45.0, self._flap),
            ("bans and unbans", 15.0, self._toggle),
            ("samples", 5.0, self._sample),
        ]
        threads = [threading.Thread(target=self._repeat, args=work, name=work[0]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.course

    def _repeat(self, what: str, pause: float, work: Callable[[], None]) -> None:
        done = 0
        while time.monotonic() < self.until:
            try:
                work()
                done += 1
            except (OSError, AssertionError, MachineError) as error:
                self.course.failures.append(f"{what}: {error}")
            time.sleep(min(pause, max(0.0, self.until - time.monotonic())))
        self.course.acts[what] = done

    def _flood(self, client: str, kind: str, target: str, rate: int) -> None:
        seconds = min(SLICE_SECONDS, max(1.0, self.until - time.monotonic()))
        self.lab.client(client).flood(kind, int(rate * seconds), target, rate)

    def _scrape(self) -> None:
        if "gatewatch_build_info" not in self.daemon.page("/metrics"):
            raise AssertionError("a scrape without metrics")

    def _flap(self) -> None:
        gateway = self.lab.gateway
        gateway.run(["ip", "link", "set", self.lab.plan.lans[0].interface, "down"])
        time.sleep(0.5)
        gateway.run(["ip", "link", "set", self.lab.plan.lans[0].interface, "up"])

    def _toggle(self) -> None:
        verb = "unban" if self._banned else "ban"
        done = self.daemon.run(verb, "bytedance")
        if done.returncode != 0:
            raise AssertionError(f"{verb}: {done.stderr.strip() or done.stdout.strip()}")
        self._banned = not self._banned

    def _sample(self) -> None:
        course = self.course
        course.memory.append(self.daemon.resident_bytes())
        course.descriptors.append(len(os.listdir(f"/proc/{self.daemon.child.pid}/fd")))
        print(
            f"{time.monotonic() - self.began:6.0f} s  {course.memory[-1] / 1e6:6.1f} MB  "
            f"{course.descriptors[-1]:4} descriptors  {self.daemon.metric('flows_active'):7.0f} flows",
            flush=True,
        )


def endure(seconds: float, queries: int, flows: int) -> int:
    with Lab() as lab:
        interface = lab.plan.lans[0].interface
        daemon = lab.daemon(f'[capture]\ninterfaces = ["{interface}"]\n')
        endurance = Endurance(lab, daemon, seconds)
        course = endurance.run(queries, flows)
        seen = daemon.metric("dns_queries_total"), daemon.metric("flows_total")
        dropped = daemon.metric("capture_dropped_packets_total")
        code = daemon.stop()
    print(", ".join(f"{count} {what}" for what, count in course.acts.items()))
    print(f"{seen[0] / seconds:,.0f} questions and {seen[1] / seconds:,.0f} flows a second seen, {dropped:.0f} dropped")
    return verdict(course, dropped, code)


def verdict(course: Course, dropped: float, code: int) -> int:
    third = max(1, len(course.memory) // WARMING_SHARE)
    second = statistics.mean(course.memory[third : 2 * third])
    last = statistics.mean(course.memory[2 * third :])
    # Bans and verbs open and close descriptors: the minimum counts those that stay open.
    opened = min(course.descriptors[2 * third :]) - min(course.descriptors[third : 2 * third])
    print(f"memory: {second / 1e6:.1f} MB in the second third, {last / 1e6:.1f} MB in the last ({last / second:.3f})")
    print(f"descriptors: {opened:+d} left open between the two; exit code {code}; {len(course.failures)} failures")
    for failure in course.failures[:10]:
        print(f"  {failure}")
    sound = last <= GROWTH * second and opened <= DESCRIPTORS and not dropped and not code and not course.failures
    print("good" if sound else "NOT good")
    return 0 if sound else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--flows", type=int, default=500)
    options = parser.parse_args()
    try:
        return endure(options.seconds, options.queries, options.flows)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
