"""A program that runs in a namespace until the lab stops it."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import monitor
from monitor.errors import MachineError
from monitor.lab.namespace import Namespace
from monitor.lab.programs.serve import READY

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


def python_module(module: str, *arguments: str) -> list[str]:
    """Returns the command line that runs one of our own modules with this interpreter.

    `-P` selects the package that is running, not another one in the current directory.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns this process's environment, with the package's location added to the import path."""
    paths = [str(Path(folder).parent) for folder in monitor.__path__]
    inherited = os.environ.get("PYTHONPATH")
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *([inherited] if inherited else [])])}
    return {**known, **(extra or {})}


class Child:
    """A running program. Its standard error (and output, unless the lab reads it) goes to `log`.

    It has a session of its own, so that Ctrl-C reaches only the lab, which then stops the program.
    """

    def __init__(
        self,
        namespace: Namespace,
        arguments: Sequence[str],
        log: Path,
        extra: Mapping[str, str] | None = None,
        piped: bool = False,
    ) -> None:
        self.arguments = list(arguments)
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                namespace.command(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if piped else stderr,
                stderr=stderr,
                env=environment(extra),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        # `ip netns exec` replaces itself with the program and does not fork.
        return self.process.pid

    def wait_ready(self) -> None:
        """Waits for the server's `ready`."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            ready = selector.select(START_SECONDS)
        if not ready or self.process.stdout.readline().strip() != READY.encode():
            self.stop()
            raise MachineError(f"lab: {' '.join(self.arguments[:4])} did not start: {self.last_words()}")

    def wait_log(self, words: str) -> None:
        """Waits until the log contains `words`."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"lab: {self.arguments[0]} did not start: {self.last_words()}")
            time.sleep(0.01)

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def running(self) -> bool:
        return self.process.poll() is None

    def resident_bytes(self) -> int:
        """Returns the resident set in bytes, 0 after the program has ended (proc(5))."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except FileNotFoundError:
            return 0
        sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(sizes[0]) * 1024 if sizes else 0

    def stop(self, first: signal.Signals = signal.SIGTERM) -> int:
        """Asks the program to end, and kills it after a timeout. Returns its exit code."""
        if self.running():
            self.process.send_signal(first)
        return self.finish(STOP_SECONDS)

    def finish(self, seconds: float) -> int:
        """Waits at most `seconds` for the program to end by itself. Returns its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return code
