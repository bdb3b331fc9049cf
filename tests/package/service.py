"""What the tests of the installed service do with it: its configuration, its process, its unit, its files."""

import os
from pathlib import Path

from machine import Machine

from monitor.lab.lab import Lab

SERVICE = "gatewatch.service"
SETTINGS = "/etc/gatewatch/gatewatch.toml"


def ban(lab: Lab, on_failure: str = "open") -> str:
    return (
        f'[capture]\ninterfaces = ["br-lan"]\n[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n'
        f'[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\non_failure = "{on_failure}"\n'
    )


def main_process(machine: Machine) -> int:
    """Seen from outside; 0 where there is none."""
    inner = machine.show(SERVICE, "MainPID")["MainPID"]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
        if len(numbers) > 1 and numbers[-1] == inner and in_machine(machine, status):
            return int(numbers[0])
    return 0


def in_machine(machine: Machine, status: Path) -> bool:
    try:
        return os.readlink(status.with_name("ns") / "pid") == os.readlink(f"/proc/{machine.pid}/ns/pid")
    except OSError:
        return False


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def rules(lab: Lab) -> str:
    return lab.gateway.run(["nft", "list", "ruleset"]).stdout


def use(machine: Machine, text: str) -> None:
    """The service runs with this configuration, whatever a test before left."""
    machine.path(SETTINGS).write_text(text)
    if machine.is_active(SERVICE):
        machine.must("systemctl", "reload", SERVICE)
    else:
        machine.must("systemctl", "start", SERVICE)


class overridden:
    """The unit with other words in its [Service] section."""

    def __init__(self, machine: Machine, words: str) -> None:
        self._machine = machine
        self._words = words

    def __enter__(self) -> None:
        folder = self._machine.path(f"/run/systemd/system/{SERVICE}.d")
        folder.mkdir(exist_ok=True)
        self._file = folder / "test.conf"
        self._file.write_text(f"[Service]\n{self._words}\n")
        self._machine.must("systemctl", "daemon-reload")

    def __exit__(self, *exception: object) -> None:
        self._file.unlink()
        self._file.parent.rmdir()
        self._machine.must("systemctl", "daemon-reload")


def found(machine: Machine, folder: str) -> list[Path]:
    """What carries the name, but for labs and containers of this machine and the pages that man keeps."""
    others = ("gatewatch-lab", "/cache/man/", "/lib/containers/")
    return [path for path in machine.path(folder).rglob("*gatewatch*") if not any(word in str(path) for word in others)]
