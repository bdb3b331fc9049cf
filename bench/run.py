"""Every figure of `docs/figures.md`, one measurement after the other: `make bench`.

Each prints what it measured and, where there is one, its peer in the same run. Needs root for those that make networks.
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
    """The processor and how many of it."""
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
