"""The first file system of the emulated machine: busybox, the modules that reach this machine's files, and a script.

The format is cpio's "newc" (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel).
"""

from pathlib import Path
from typing import Final

from vm.kernel import Kernel

# Each behind what it needs, as `modules.dep` tells.
WANTED: Final = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
DIRECTORY: Final = 0o040755
PROGRAM: Final = 0o100755

INIT: Final = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in $(cat /modules); do insmod "/$module" || echo "initramfs: no $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro root /low || echo "initramfs: no files"
mount -t tmpfs -o mode=755 tmpfs /top
mkdir /top/upper /top/work
mount -t overlay -o lowerdir=/low,upperdir=/top/upper,workdir=/top/work overlay /new
umount /proc
mount --move /dev /new/dev
mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /new/run
mkdir -p /new/dev/pts /new/dev/shm /new/run/exchange /new/run/modules
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /new/dev/pts
mount -t tmpfs tmpfs /new/dev/shm
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none exchange /new/run/exchange
exec switch_root /new /bin/sh /run/exchange/start
"""


def initramfs(kernel: Kernel) -> bytes:
    modules = in_order(kernel)
    files = [(name, DIRECTORY, b"") for name in ("bin", "dev", "proc", "low", "top", "new", "lib")]
    files += [(Path(name).name, PROGRAM, (kernel.modules / name).read_bytes()) for name in modules]
    files.append(("modules", PROGRAM, "\n".join(Path(name).name for name in modules).encode()))
    files.append(("bin/busybox", PROGRAM, kernel.busybox.read_bytes()))
    files.append(("init", PROGRAM, INIT.encode()))
    entries = [entry(number, *file) for number, file in enumerate([*files, ("TRAILER!!!", 0, b"")], 1)]
    return b"".join(entries)


def in_order(kernel: Kernel) -> list[str]:
    """The wanted modules and all that they need, each after what it needs; without what the kernel has built in."""
    needs: dict[str, list[str]] = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    by_name = {Path(path).name.removesuffix(".ko"): path for path in needs}
    ordered: dict[str, None] = {}

    def add(path: str) -> None:
        for other in needs[path]:
            if other not in ordered:
                add(other)
        ordered[path] = None

    built_in = {Path(line).stem for line in (kernel.modules / "modules.builtin").read_text().splitlines()}
    for name in WANTED:
        if name not in built_in:
            add(by_name[name])
    return list(ordered)


def entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return padded(head) + padded(data)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
