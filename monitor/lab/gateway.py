"""The real daemon on the lab's gateway, and its metrics, status, events and memory."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from prometheus_client.parser import text_string_to_metric_families

from monitor.errors import MachineError
from monitor.lab.child import Child, environment, python_module
from monitor.lab.namespace import Namespace

COMMAND: Final = "monitor.cli.main"
METRICS: Final = "127.0.0.1:10053"
READY_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 40.0
RUN_SECONDS: Final = 60.0

# A sample's labels, and its value.
Sample = tuple[dict[str, str], float]


class LabDaemon:
    """`gatewatch run` in the gateway's namespace. Only its folders differ from a real installation.

    `folder` contains its configuration, state, socket, log and `events`. It is ready when it reports so by
    sd_notify(3), as under systemd. `through` is prepended to its command: a program that starts it with fewer
    privileges than root has.
    """

    def __init__(
        self,
        gateway: Namespace,
        folder: Path,
        configuration: str,
        arguments: tuple[str, ...],
        through: tuple[str, ...] = (),
    ) -> None:
        self.gateway = gateway
        self.folder = folder
        self.events = folder / "eve.json"
        self.log = folder / "log"
        self.configuration = folder / "gatewatch.toml"
        self._arguments = arguments
        self._through = through
        folder.mkdir()
        self.configure(configuration)
        self._environment = {
            "RUNTIME_DIRECTORY": str(folder),
            "STATE_DIRECTORY": str(folder / "state"),
            "NOTIFY_SOCKET": str(folder / "notify"),
        }

    def configure(self, configuration: str) -> None:
        """Writes the configuration file. The daemon reads it at its start and after SIGHUP."""
        events = f'[events]\npath = "{self.events}"\n\n[state]\npath = "{self.folder / "state"}"\n\n'
        self.configuration.write_text(events + configuration)

    def start(self, seconds: float = READY_SECONDS) -> None:
        """Starts the daemon and waits until it is ready. Raises `MachineError` with the last log line if that fails."""
        with notify_socket(self.folder / "notify") as notified:
            command = python_module(COMMAND, "run", "--config", str(self.configuration), *self._arguments)
            self.child = Child(self.gateway, [*self._through, *command], self.log, self._environment)
            deadline = time.monotonic() + seconds
            while not is_ready(notified):
                if not self.child.running() or time.monotonic() > deadline:
                    self.child.stop()
                    raise MachineError(f"lab: the daemon did not start: {self.child.last_words()}")

    def stop(self) -> int:
        """Stops the daemon as systemd does, and returns its exit code."""
        return self.child.stop()

    def reload(self) -> None:
        os.kill(self.child.pid, signal.SIGHUP)

    def metrics(self) -> dict[str, list[Sample]]:
        """Returns all samples of `/metrics`, by name with the prefix."""
        found: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families(self.page("/metrics")):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
        return found

    def metric(self, name: str, **labels: str) -> float:
        """Returns the sum of a metric's samples that have these labels, 0 if there are none."""
        samples = self.metrics().get(f"gatewatch_{name}", [])
        return sum(value for known, value in samples if labels.items() <= known.items())

    def page(self, path: str) -> str:
        """Returns a page of the daemon's own web server, fetched on the gateway."""

        def fetch() -> str:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://{METRICS}{path}", timeout=20) as reply:
                return cast(bytes, reply.read()).decode()

        return self.gateway.inside(fetch)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the gatewatch command on the gateway, as an administrator does."""
        return subprocess.run(
            self.gateway.command(python_module(COMMAND, *arguments)),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            env=environment(self._environment),
            check=False,
        )

    def ask(self, verb: str) -> dict[str, Any]:
        """Returns the `--json` output of a run-time verb of the command."""
        done = self.run(verb, "--json")
        if done.returncode not in (0, 1):
            raise MachineError(f"lab: gatewatch {verb} failed: {done.stderr.strip()}")
        return cast(dict[str, Any], json.loads(done.stdout))

    def rows(self) -> list[dict[str, Any]]:
        """Returns the traffic rows of `status`."""
        return cast(list[dict[str, Any]], self.ask("status")["rows"])

    def report(self) -> list[dict[str, Any]]:
        """Returns the traffic rows of the journal, whether the daemon runs or not."""
        done = self.run("report", "--json", "--config", str(self.configuration))
        if done.returncode != 0:
            raise MachineError(f"lab: gatewatch report failed: {done.stderr.strip()}")
        return cast(list[dict[str, Any]], json.loads(done.stdout)["rows"])

    def eve(self, kind: str = "") -> list[dict[str, Any]]:
        """Returns the events written so far, of one `event_type` or all."""
        if not self.events.exists():
            return []
        lines = self.events.read_text().splitlines(keepends=True)
        events = [cast(dict[str, Any], json.loads(line)) for line in lines if line.endswith("\n")]
        return [event for event in events if kind in ("", event["event_type"])]

    def resident_bytes(self) -> int:
        return self.child.resident_bytes()

    def wait_for(self, what: str, true: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> None:
        """Polls until `true` returns True; fails with `what` on a timeout. Retries while the daemon is too busy."""
        deadline = time.monotonic() + seconds
        while not holds(true):
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds:.0f} s the daemon still had not: {what}")
            time.sleep(0.2)


def holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except OSError:
        return False


def notify_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(path))
    path.chmod(0o777)  # accessible to any user the daemon runs as
    notified.settimeout(0.2)
    return notified


def is_ready(notified: socket.socket) -> bool:
    try:
        return b"READY=1" in notified.recv(4096).split(b"\n")
    except TimeoutError:
        return False
