"""Measures every figure of `docs/figures.md`, one after the other: `make bench`.

Each measurement prints its results, with those of a comparable program in the same run where there is one. Those that
build networks need root.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MEASUREMENTS = (
    "replay.py",
    "lists.py",
    "capture.py",
    "sinkhole.py",
    "enforce.py",
    "policy.py",
    "stall.py",
    "hostile.py",
    "late.py",
    "running.py",
    "hammer.py",
    "soak.py",
    "endurance.py",
)


def machine() -> str:
    """Returns the number of processors and their model."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else "an unknown processor"


def main() -> int:
    print(f"on {machine()}", flush=True)
    worst = 0
    for name in MEASUREMENTS:
        print(f"\n== {name}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, FOLDER / name], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
