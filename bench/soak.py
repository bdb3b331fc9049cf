"""Runs the daemon under the lab's traffic and watches its memory: `soak.py [--seconds N] [--flows MODE]`.

Both clients act without a pause, so that a minute contains about as much traffic as an hour of two busy devices. From
time to time, a burst of names and connections that never recur is added. Prints the resident set. Exits with 1 if it
exceeded 90 MB, or grew by more than a tenth in the second half. Needs root.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.traffic import ACTS

LIMIT_BYTES = 90_000_000
GROWTH = 1.1
SAMPLE_SECONDS = 5.0
BURST_PACKETS = 500
BURST_RATE = 500
RESOLVER, SERVER = "203.0.113.53", "71.18.1.10"


def keep_acting(client: Client, until: float, done: Counter[str]) -> None:
    while time.monotonic() < until:
        for act in ACTS:
            if act.client == client.name and time.monotonic() < until:
                result = act.act(client)
                done["failed" if result.startswith("failed") or result == "no answer" else client.name] += 1


def keep_bursting(client: Client, until: float, done: Counter[str]) -> None:
    while time.monotonic() < until:
        for kind, target in (("subdomains", RESOLVER), ("flows", SERVER), ("quic", SERVER)):
            client.flood(kind, BURST_PACKETS, target, BURST_RATE)
            done["burst packets"] += BURST_PACKETS


def watch(daemon: LabDaemon, until: float) -> list[int]:
    """Returns samples of the resident set, taken every few seconds."""
    sizes = []
    started = time.monotonic()
    while time.monotonic() < until:
        time.sleep(min(SAMPLE_SECONDS, max(0.1, until - time.monotonic())))
        sizes.append(daemon.resident_bytes())
        flows = daemon.metric("flows_active")
        print(f"{time.monotonic() - started:6.0f} s  {sizes[-1] / 1e6:6.1f} MB  {flows:6.0f} flows", flush=True)
    return sizes


def soak(seconds: float, flows: str) -> int:
    with Lab() as lab:
        interfaces = ", ".join(f'"{lan.interface}"' for lan in lab.plan.lans)
        daemon = lab.daemon(f'[capture]\ninterfaces = [{interfaces}]\nflows = "{flows}"\n')
        print(f"     0 s  {daemon.resident_bytes() / 1e6:6.1f} MB", flush=True)
        until = time.monotonic() + seconds
        done: Counter[str] = Counter()
        workers = [
            threading.Thread(target=work, args=(lab.client(name), until, done))
            for work, name in ((keep_acting, "phone"), (keep_acting, "laptop"), (keep_bursting, "laptop"))
        ]
        for worker in workers:
            worker.start()
        sizes = watch(daemon, until)
        for worker in workers:
            worker.join()
        lost = daemon.metric("capture_dropped_packets_total")
        print(", ".join(f"{count:,} {what}" for what, count in sorted(done.items())) + f"; {lost:.0f} frames dropped")
        code = daemon.stop()
    return verdict(sizes, code, done["failed"])


def verdict(sizes: list[int], code: int, failed: int) -> int:
    half = sizes[len(sizes) // 2]
    print(f"most {max(sizes) / 1e6:.1f} MB, {half / 1e6:.1f} MB half way, {sizes[-1] / 1e6:.1f} MB at the end")
    sound = max(sizes) < LIMIT_BYTES and sizes[-1] < GROWTH * half and code == 0 and failed == 0
    print("good" if sound else f"NOT good: exit code {code}, {failed} acts failed")
    return 0 if sound else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--flows", choices=["conntrack", "packets"], default="conntrack")
    options = parser.parse_args()
    try:
        return soak(options.seconds, options.flows)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
