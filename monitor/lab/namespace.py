"""A network namespace: creates it, runs work in it, and removes it with all of its processes."""

import ctypes
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pyroute2 import IPRoute, config, netns

from monitor.errors import MachineError

T = TypeVar("T")

RUN_DIRECTORY: Final = Path("/run/netns")
ETC_DIRECTORY: Final = Path("/etc/netns")
CLONE_NEWNET: Final = 0x40000000
LOOPBACK: Final = 1

# pyroute2 creates namespaces and sockets in child processes and waits 2 s for a child by default, which is too short on
# a busy or emulated machine.
config.default_communicate_timeout = config.default_create_socket_timeout = 60


class Namespace:
    """A named network namespace. Call `create` first and `remove` at the end.

    Work inside it runs in a thread that enters it and then ends (`inside`, `link`), or in a process (`command`).
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def create(self) -> None:
        try:
            netns.create(self.name)
        except OSError as error:
            raise MachineError(
                f"lab: cannot make the network namespace {self.name}: {error.strerror or error}"
            ) from error
        self.link(lambda link: link.link("set", index=LOOPBACK, state="up"))

    def remove(self) -> None:
        """Ends every process in the namespace, then removes it and its /etc files. Ignores a missing namespace."""
        for process in self.processes():
            kill(process)
        shutil.rmtree(ETC_DIRECTORY / self.name, ignore_errors=True)
        if (RUN_DIRECTORY / self.name).exists():
            netns.remove(self.name)

    def resolve_by(self, addresses: Sequence[str]) -> None:
        """Gives processes in the namespace their own resolv.conf (`ip netns exec` binds it)."""
        folder = ETC_DIRECTORY / self.name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"nameserver {address}\n" for address in addresses]
        (folder / "resolv.conf").write_text("".join(lines) + "options timeout:2 attempts:2\n")

    def inside(self, work: Callable[[], T]) -> T:
        """Runs `work` in a thread inside the namespace and returns its result."""
        results: list[T] = []
        failures: list[BaseException] = []

        def enter() -> None:
            try:
                enter_namespace(RUN_DIRECTORY / self.name)
                results.append(work())
            except BaseException as failure:
                failures.append(failure)

        thread = threading.Thread(target=enter, name=self.name)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        return results[0]

    def link(self, work: Callable[[Any], T]) -> T:
        """Runs `work` with a netlink socket (pyroute2's `IPRoute`) of the namespace and returns its result."""

        def open_and_work() -> T:
            with IPRoute() as netlink:
                return work(netlink)

        return self.inside(open_and_work)

    def sysctl(self, values: Mapping[str, str | int]) -> None:
        """Sets kernel parameters, by path below /proc/sys/net."""

        def write() -> None:
            for path, value in values.items():
                Path("/proc/sys/net", path).write_text(str(value))

        self.inside(write)

    def command(self, arguments: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, arguments: Sequence[str], timeout: float = 60.0, input: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a program to its end. Never raises for its exit code."""
        return subprocess.run(
            self.command(arguments), timeout=timeout, input=input, capture_output=True, text=True, check=False
        )

    def processes(self) -> list[int]:
        """Returns the ids of all processes in the namespace."""
        try:
            wanted = (RUN_DIRECTORY / self.name).stat().st_ino
        except FileNotFoundError:
            return []
        return [pid for pid in all_processes() if namespace_of(pid) == wanted]


def enter_namespace(path: Path) -> None:
    """Moves the calling thread, and only it, into a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise MachineError(f"lab: cannot enter {path}: {os.strerror(error)}")
    finally:
        os.close(descriptor)


def all_processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def namespace_of(pid: int) -> int:
    """Returns the inode of a process's network namespace, 0 if the process does not exist."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
