"""A Debian machine of its own on the lab's gateway: this one's files under a layer that is thrown away, and systemd.

Everything that systemd does stays in namespaces: its processes, its mounts, its cgroup, its network, which is the
gateway's. `/proc/sys` and `/sys` are read-only there, except what belongs to the network.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from monitor.lab.lab import Lab

BOOT_SECONDS = 100.0
END_SECONDS = 10.0
# What must not be done to the machine that tests run on, or only takes time.
MASKED = (
    "apparmor.service", "console-setup.service", "dbus.socket", "dev-hugepages.mount", "dev-mqueue.mount",
    "keyboard-setup.service", "nftables.service", "proc-sys-fs-binfmt_misc.automount", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-binfmt.service",
    "systemd-hwdb-update.service", "systemd-journal-flush.service", "systemd-modules-load.service",
    "systemd-random-seed.service", "systemd-remount-fs.service", "systemd-sysctl.service", "systemd-timesyncd.service",
    "systemd-udev-trigger.service", "systemd-udevd.service", "systemd-update-utmp.service",
)  # fmt: skip
BOOT = r"""
set -e
top=$1
mount --make-rprivate /
mount -t tmpfs tmpfs "$top"
mkdir "$top/cgroup" "$top/upper" "$top/work" "$top/root"
mount -t cgroup2 cgroup2 "$top/cgroup"
mkdir "$top/cgroup/$2"
echo 0 > "$top/cgroup/$2/cgroup.procs"
exec unshare --cgroup sh -e -c '
top=$1
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
cd "$top/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/shm dev/pts run/lock
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p run/systemd/system run/systemd/journald.conf.d
printf "[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\nRateLimitBurst=0\n" > run/systemd/journald.conf.d/test.conf
for unit in $2; do ln -s /dev/null "run/systemd/system/$unit"; done
rm -rf usr/sbin/policy-rc.d etc/gatewatch var/lib/gatewatch var/cache/gatewatch
mkdir -p oldroot
pivot_root . oldroot
umount -l /oldroot
exec env -i container=gatewatch-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no
' sh "$top" "$3"
"""


class Machine:
    """Boots at once; to be closed. `pid` is systemd's, seen from outside."""

    def __init__(self, lab: Lab) -> None:
        self._folder = lab.folder / "machine"
        self._folder.mkdir()
        self._cgroup = f"{lab.gateway.name}-{self._folder.name}"
        unshare = ("unshare", "--mount", "--pid", "--fork", "--ipc", "--uts", "--kill-child")
        arguments = (str(self._folder), self._cgroup, " ".join(MASKED))
        self._process = subprocess.Popen(
            lab.gateway.command([*unshare, "sh", "-c", BOOT, "sh", *arguments]),
            stdin=subprocess.DEVNULL,
        )
        try:
            self.wait_for("booted", lambda: self.is_active("basic.target"), BOOT_SECONDS)
        except AssertionError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """0 while there is none."""
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        except FileNotFoundError:
            return 0
        return int(children[0]) if children else 0

    def path(self, path: str) -> Path:
        """A file of the machine, seen from outside."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def do(self, *command: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Runs a command there as root, to its end."""
        known = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-a", "--", *command],
            capture_output=True, text=True, timeout=seconds, check=False, env=known, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        """What a command says there, whatever its exit code."""
        if not self.pid:
            return ""
        done = self.do(*command)
        return (done.stdout + done.stderr).strip()

    def must(self, *command: str) -> str:
        done = self.do(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout.strip()

    def install(self, package: Path) -> None:
        """With its manual, where this machine is told to leave manuals out; without what others would do then."""
        shutil.copy(package, self.path("/tmp/gatewatch.deb"))
        options = ("--no-triggers", "--force-unsafe-io", "--path-include=/usr/share/*")
        self.must("dpkg", "--install", *options, "/tmp/gatewatch.deb")

    def is_active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", unit) == "active"

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.must("systemctl", "show", unit, *[f"--property={name}" for name in properties]).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}")

    def wait_for(self, what: str, true: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self._process.poll() is None, "the machine has ended"
            assert time.monotonic() < deadline, f"after {seconds:.0f} s the machine still had not: {what}"
            time.sleep(0.1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        remove_cgroup(self._cgroup)
        shutil.rmtree(self._folder, ignore_errors=True)


def remove_cgroup(name: str) -> None:
    """Wherever cgroup2 is mounted here, as soon as the last of its processes has ended."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    deadline = time.monotonic() + END_SECONDS
    for top in [Path(where, name) for _, where, kind, *_ in mounts if kind == "cgroup2"]:
        while top.is_dir() and time.monotonic() < deadline:
            for folder in sorted((path for path in [top, *top.rglob("*")] if path.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            time.sleep(0.02)
