"""Checks the state directory: it exists, is writable and has free space."""

import os
import tempfile
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding

TOPIC: Final = "disk"
FREE_BYTES: Final = 67_108_864
FREE_FILES: Final = 64


def find(case: Case) -> Iterator[Finding]:
    folder = case.config.state.path
    if os.geteuid() != 0 and not may_write(folder):
        what = f"user {os.geteuid()} may not write to the state directory {folder}, so it was not checked"
        yield Finding(TOPIC, what, "sudo gatewatch doctor   # as root")
        return
    if not os.path.isdir(folder):
        yield Finding(TOPIC, f"the state directory {folder} does not exist", f"install -d -m 750 {folder}")
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"?")
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        what = f"nothing can be written to the state directory {folder}: {error.strerror}"
        yield Finding(TOPIC, what, f"df -h {folder}; ls -ld {folder}; mount -o remount,rw {mount_of(folder)}")
        return
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < FREE_BYTES:
        what = f"{free // 1_048_576} MiB are free under {folder}: changes at run time and the journal need space"
        yield Finding(TOPIC, what, f"du -xh -d 1 {mount_of(folder)}   # and remove files that are not needed")
    elif room.f_files and room.f_favail < FREE_FILES:
        what = f"only {room.f_favail} more files can be created under {folder}"
        yield Finding(TOPIC, what, f"du --inodes -x -d 1 {mount_of(folder)}   # and remove files that are not needed")


def may_write(folder: str) -> bool:
    """Whether the permissions of the folder or its parents let this user write; false is not a fault of the disk.

    A read-only file system or a missing folder does not count as missing permission.
    """
    try:
        with os.scandir(folder):
            pass
    except PermissionError:
        return False
    except OSError:
        return True
    mode = os.stat(folder)
    return os.access(folder, os.W_OK) or bool(os.statvfs(folder).f_flag & os.ST_RDONLY) or mode.st_uid == os.geteuid()


def mount_of(folder: str) -> str:
    """Returns the mount point of the folder's file system."""
    folder = os.path.realpath(folder)
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    return folder
