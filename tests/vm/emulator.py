"""Runs one command as root on the emulated machine, and hands back what it said and its exit code."""

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vm.initramfs import initramfs
from vm.kernel import Kernel, obtain

MEMORY_MB: Final = 1024
CONSOLE_LINES: Final = 25
# A word on the kernel's command line, by which a program knows that it may do what it would not do to a real machine.
EMULATED: Final = "gatewatch.emulated"
LOOK_SECONDS: Final = 0.1
TESTS: Final = Path(__file__).resolve().parents[1]
KEPT: Final = ("PYTHONSAFEPATH", "GATEWATCH_TEST_ENGINE", "LANG", "CI")

# The modules that the kernel asks for come by busybox's modprobe, whose name must be that. A tunnel's device is there
# before its module, which comes when somebody opens it.
START: Final = r"""
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /lib/modules
mount -t tmpfs tmpfs /lib/modules
ln -s {modules} /lib/modules/{release}
ln -s {busybox} /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
mkdir -p /dev/net
{busybox} mknod /dev/net/tun c 10 200
{busybox} ip link set lo up
{busybox} hostname emulated
cd {folder}
{environment} {command} </dev/null >/run/exchange/output 2>&1
echo $? > /run/exchange/code
{busybox} poweroff -f
"""


class EmulatorError(Exception):
    """The machine did not start, did not end in time, or ended before its command; with its console's last lines."""


@dataclass(frozen=True)
class Outcome:
    code: int
    output: str
    console: str
    seconds: float


def run(command: Sequence[str], seconds: float, more: str = "", tell: Callable[[str], object] | None = None) -> Outcome:
    """Boots, runs the command in the current folder, ends. `more` are words for the kernel; `tell` gets output early.

    Raises RuntimeError where there is no emulator or no kernel, EmulatorError with the console's last lines.
    """
    kernel = obtain()
    with tempfile.TemporaryDirectory(prefix="gatewatch-vm-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "initramfs").write_bytes(initramfs(kernel))
        exchange = folder / "exchange"
        exchange.mkdir()
        (exchange / "start").write_text(script(kernel, command))
        (exchange / "output").touch()
        console = stack.enter_context((folder / "console").open("wb"))
        began = time.monotonic()
        process = subprocess.Popen(
            emulator(kernel, folder, more), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
        )
        try:
            told = follow(process, exchange / "output", began + seconds, tell)
        finally:
            process.kill()
            process.wait()
        said = (folder / "console").read_text(errors="replace")
        code = exchange / "code"
        if not told or not code.exists():
            why = "had not ended" if not told else "ended before its command"
            raise EmulatorError(complaint(f"the emulated machine {why} after {seconds:.0f} s", exchange, said))
        output = (exchange / "output").read_text(errors="replace")
        return Outcome(int(code.read_text()), output, said, time.monotonic() - began)


def is_emulated() -> bool:
    """Whether this process runs on such a machine."""
    return EMULATED in Path("/proc/cmdline").read_text().split()


def script(kernel: Kernel, command: Sequence[str]) -> str:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    paths = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(TESTS)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    return START.format(
        modules=kernel.modules,
        release=kernel.release,
        busybox=kernel.busybox,
        folder=shlex.quote(os.getcwd()),
        environment=assignments(environment),
        command=shlex.join(command),
    )


def assignments(environment: Mapping[str, str]) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())


def emulator(kernel: Kernel, folder: Path, more: str) -> list[str]:
    """Without network, disk or display: a console, this machine's files, and a folder that both may write."""
    share = "local,security_model=none,multidevs=remap"
    words = f"console={kernel.emulation.console} panic=-1 loglevel=5 mitigations=off {EMULATED} {more}"
    return [
        kernel.emulation.program, *kernel.emulation.arguments,
        "-accel", "tcg,thread=multi", "-smp", "2", "-m", str(MEMORY_MB),
        "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel.image), "-initrd", str(folder / "initramfs"), "-append", words,
        "-virtfs", f"{share},path=/,mount_tag=root,readonly=on",
        "-virtfs", f"{share},path={folder / 'exchange'},mount_tag=exchange",
    ]  # fmt: skip


def follow(
    process: subprocess.Popen[bytes], output: Path, deadline: float, tell: Callable[[str], object] | None
) -> bool:
    """Waits for the end, whether it came in time."""
    with output.open(errors="replace") as file:
        while True:
            ended = process.poll() is not None
            if tell is not None and (text := file.read()):
                tell(text)
            if ended or time.monotonic() > deadline:
                return ended
            time.sleep(LOOK_SECONDS)


def complaint(what: str, exchange: Path, console: str) -> str:
    said = (exchange / "output").read_text(errors="replace").splitlines()[-CONSOLE_LINES:]
    return "\n".join([what, "its command said last:", *said, "its console:", *console.splitlines()[-CONSOLE_LINES:]])
