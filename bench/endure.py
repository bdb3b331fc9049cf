"""Hours of load, too long for CI: `endure.py [--hours N]`, or `make endure HOURS=N`. Needs root.

Two thirds of the time go to endurance.py, one third to soak.py. Their output is printed as they run. At the end, a
section with commit, machine and the last lines of both is added to bench/RESULTS.md, for a commit that publishes the
results. Exits with 1 if one of them failed.
"""

import argparse
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from run import machine

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.metrics.engine import engine

FOLDER: Final = Path(__file__).resolve().parent
RESULTS: Final = FOLDER / "RESULTS.md"
# The share of time of each measurement, and how many of its last lines are the result.
SHARES: Final = (("endurance.py", 2 / 3, 5), ("soak.py", 1 / 3, 3))
HOUR_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Result:
    command: str
    lines: tuple[str, ...]
    code: int


def measure(name: str, seconds: float, kept: int) -> Result:
    """Runs one measurement to its end and prints its output."""
    command = [sys.executable, str(FOLDER / name), "--seconds", f"{seconds:.0f}"]
    shown = f"bench/{name} --seconds {seconds:.0f}"
    print(f"\n== {shown}", flush=True)
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines = [*lines, line.rstrip()][-kept:]
    return Result(shown, tuple(lines), process.returncode)


def commit() -> str:
    """Returns the checked-out commit, marked if files differ from it."""
    command = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def system() -> str:
    """Returns processor, kernel, distribution, Python and engine."""
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "an unknown system")
    return f"{machine()}, Linux {platform.release()}, {release}, Python {platform.python_version()}, {engine()}"


def section(began: float, results: list[Result]) -> str:
    """Returns a section of Markdown for RESULTS.md."""
    day = time.strftime("%Y-%m-%d", time.localtime(began))
    head = f"\n## {day}, commit {commit()}\n\nOn {system()}.\n\n| command | result |\n|---|---|\n"
    return head + "".join(f"| `{one.command}` | {'; '.join(one.lines).replace('|', '/')} |\n" for one in results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    hours = parser.parse_args().hours
    began = time.time()
    print(f"commit {commit()} on {system()}", flush=True)
    results = [measure(name, hours * HOUR_SECONDS * share, kept) for name, share, kept in SHARES]
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(section(began, results))
    print(f"\nthe results are in {RESULTS}")
    return max(one.code for one in results)


if __name__ == "__main__":
    sys.exit(main())
