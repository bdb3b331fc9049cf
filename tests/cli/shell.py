"""Runs the command as a shell would: a process of its own, its exit code and what it printed."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

COMMAND = (sys.executable, "-P", "-W", "error", "-m", "monitor.cli.main")
TIMEOUT_SECONDS = 60
# Shared by all runs of one session, and nobody else's.
CACHE = tempfile.mkdtemp(prefix="gatewatch-cache-")
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The lines on standard error, without the program's name, which each must have."""
        lines = self.err.splitlines()
        assert all(line.startswith("gatewatch: ") for line in lines), self.err
        return [line.removeprefix("gatewatch: ") for line in lines]


def gatewatch(*arguments: object, stdin: str = "", prefix: Sequence[str] = (), **environment: str) -> Ran:
    done = subprocess.run(
        [*prefix, *COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env={**os.environ, "XDG_CACHE_HOME": CACHE, **environment},
    )
    return Ran(done.returncode, done.stdout, done.stderr)
