"""Debian's kernel and a busybox for its first steps, out of their packages; nothing is installed."""

import fcntl
import lzma
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "build/vm"
# Drivers of hardware that an emulator has not: most of the package.
LEFT_OUT: Final = ("*/kernel/drivers/[!nv]*", "*/kernel/drivers/net/ethernet", "*/kernel/drivers/net/wireless",
                   "*/kernel/sound", "./usr/share")  # fmt: skip
SECONDS_MAX: Final = 300.0


@dataclass(frozen=True)
class Emulation:
    """What differs by architecture: the emulator and its arguments, Debian's package, the console's name."""

    program: str
    arguments: tuple[str, ...]
    package: str
    console: str


EMULATIONS: Final = {
    # The fewer extensions a processor has, the faster it is emulated.
    "x86_64": Emulation("qemu-system-x86_64", ("-cpu", "qemu64,+rdrand"), "linux-image-amd64", "ttyS0"),
    "aarch64": Emulation("qemu-system-aarch64", ("-machine", "virt", "-cpu", "max"), "linux-image-arm64", "ttyAMA0"),
}


@dataclass(frozen=True)
class Kernel:
    """`image` to boot, the folder with `lib/modules/<release>`, and a static busybox."""

    emulation: Emulation
    release: str
    image: Path
    modules: Path
    busybox: Path


def emulation() -> Emulation:
    """Raises RuntimeError where there is none for this machine."""
    found = EMULATIONS.get(platform.machine())
    if found is None:
        raise RuntimeError(f"no emulated machine on {platform.machine()}: only on {', '.join(EMULATIONS)}")
    if shutil.which(found.program) is None:
        raise RuntimeError(f"{found.program} is missing: install Debian's qemu-system-x86 or qemu-system-arm")
    return found


def obtain() -> Kernel:
    """The kernel of this Debian release, fetched once; whoever comes meanwhile waits. RuntimeError says what failed."""
    emulated = emulation()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "unpacked").is_dir():
            unpack(fetch(emulated.package))
    return found_in(FOLDER / "unpacked", emulated)


def fetch(package: str) -> list[Path]:
    """The newest kernel's package of those that `package` stands for, and busybox's."""
    folder = FOLDER / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        kernel = depends(package)
    except RuntimeError:
        run("apt-get", "update", "-q")
        kernel = depends(package)
    run("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", kernel, "busybox-static", folder=folder)
    return list(folder.glob("*.deb"))


def depends(package: str) -> str:
    lines = run("apt-cache", "depends", "--important", package).splitlines()
    kernels = [line.split()[-1] for line in lines if "linux-image-" in line and line != package]
    if not kernels:
        raise RuntimeError(f"apt knows no kernel of the package {package}")
    return kernels[0]


def unpack(packages: list[Path]) -> None:
    fresh = FOLDER / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as reader:
            tar = ["tar", "-x", "-C", str(fresh), *excluded]
            subprocess.run(tar, stdin=reader.stdout, check=True, timeout=SECONDS_MAX)
        if reader.returncode != 0:
            raise RuntimeError(f"{package}: cannot be unpacked")
        package.unlink()
    settle(fresh)
    found = found_in(fresh, emulation())
    run(str(found.busybox), "depmod", "-b", str(fresh), found.release)
    fresh.rename(FOLDER / "unpacked")


def settle(fresh: Path) -> None:
    """Debian 13 has everything below usr, and packs modules: here they lie as Debian 12 has them."""
    for name in ("bin", "lib"):
        if not (fresh / name).exists():
            (fresh / name).symlink_to(f"usr/{name}")
    for packed in [*(fresh / "lib/modules").rglob("*.ko.xz")]:
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()


def found_in(folder: Path, emulated: Emulation) -> Kernel:
    [modules] = (folder / "lib/modules").iterdir()
    image = folder / "boot" / f"vmlinuz-{modules.name}"
    return Kernel(emulated, modules.name, image, modules, folder / "bin/busybox")


def run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]}")
    return done.stdout
