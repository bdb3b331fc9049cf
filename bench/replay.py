"""Compares `gatewatch replay` with ndpiReader on the same DNS messages, alternating in one run: `replay.py [MESSAGES]`.

Prints messages per second of one core (user and system time of the whole process, start-up included) and the ratio. The
interpreted engine is measured on a tenth of the messages.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import dns_messages

import monitor

ROUNDS = 5
CHECKOUT = Path(__file__).resolve().parents[1]
INSTALLED = Path(monitor.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Usage:
    seconds: float
    megabytes: float


def measure(command: list[str], path: Path | None = None) -> Usage:
    """Returns CPU seconds and peak resident megabytes of one process that must succeed."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def replay(file: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "monitor.cli.main", "replay", str(file)]


def main(messages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole, tenth = Path(folder, "whole.pcap"), Path(folder, "tenth.pcap")
        dns_messages.write(whole, messages)
        dns_messages.write(tenth, messages // 10)
        contenders: dict[str, tuple[list[str], Path | None, int]] = {
            "gatewatch replay, as installed": (replay(whole), INSTALLED, messages),
            "gatewatch replay, interpreted": (replay(tenth), CHECKOUT, messages // 10),
        }
        if shutil.which("ndpiReader"):
            contenders["ndpiReader"] = (["ndpiReader", "-q", "-i", str(whole)], None, messages)
        rounds: dict[str, list[Usage]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, (command, path, _) in contenders.items():
                rounds[name].append(measure(command, path))
    rates = {}
    for name, (_, _, count) in contenders.items():
        rates[name] = statistics.median(count / usage.seconds for usage in rounds[name])
        peak = max(usage.megabytes for usage in rounds[name])
        print(f"{name:32} {rates[name]:>10,.0f} messages/s a core   {peak:>6.0f} MB peak")
    if "ndpiReader" in rates:
        print(f"ratio to ndpiReader {rates['gatewatch replay, as installed'] / rates['ndpiReader']:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
