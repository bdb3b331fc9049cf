"""Finds labs that are alive: each holds a lock while it runs, so that dead ones are recognized without a pid."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from monitor.lab.namespace import ETC_DIRECTORY, RUN_DIRECTORY, Namespace

PREFIX: Final = "gatewatch-lab-"
LABS: Final = Path("/run/gatewatch-lab")


class LabLock:
    """A lab's identity and its folder, held by a lock that the kernel releases when the process ends."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(3)
        self.folder = LABS / self.id
        unseen = LABS / f".{self.id}"
        unseen.mkdir(parents=True)
        self._lock = os.open(unseen / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unseen.rename(self.folder)

    def namespace(self, role: str) -> Namespace:
        return Namespace(f"{PREFIX}{self.id}-{role}")

    def release(self) -> None:
        remove_namespaces(self.id)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def remove_leftovers() -> list[str]:
    """Removes what dead labs left behind, and returns the ids of these labs."""
    dead = [lab for lab in known_labs() if not is_alive(lab)]
    for lab in dead:
        remove_namespaces(lab)
        shutil.rmtree(LABS / lab, ignore_errors=True)
    return dead


def known_labs() -> list[str]:
    """Returns the ids of all labs that left a folder, a namespace or a resolv.conf, dead or alive."""
    found = {name for name in names_in(LABS) if not name.startswith(".")}
    for name in names_in(RUN_DIRECTORY) + names_in(ETC_DIRECTORY):
        if name.startswith(PREFIX):
            found.add(name.removeprefix(PREFIX).split("-")[0])
    return sorted(found)


def is_alive(lab: str) -> bool:
    try:
        lock = os.open(LABS / lab / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def remove_namespaces(lab: str) -> None:
    for name in sorted(set(names_in(RUN_DIRECTORY) + names_in(ETC_DIRECTORY))):
        if name.startswith(f"{PREFIX}{lab}-"):
            Namespace(name).remove()


def names_in(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []
