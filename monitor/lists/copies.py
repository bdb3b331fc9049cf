"""Stores the last good copy of each subscription and its record.

Both are in the folder `lists` of the state directory: `<name>.list` is the copy that every reader uses, `<name>.json`
the record. Both are replaced atomically, so a reader gets the old or the new file. A list is public, so all users may
read both files: the user of the update may differ from the user of the daemon.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit, urlunsplit

FOLDER: Final = "lists"
SCHEMES: Final = ("https", "http", "file")
FOLDER_MODE: Final = 0o755
FILE_MODE: Final = 0o644
RECORD_BYTES: Final = 65_536


def is_subscription(url: str) -> bool:
    """Whether the list is fetched; a plain path is a file that is read directly."""
    return urlsplit(url).scheme in SCHEMES


def shown(url: str) -> str:
    """Returns the URL without user name and password, for output."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def copies_folder(state: str) -> Path:
    return Path(state, FOLDER)


def copy_path(state: str, name: str) -> Path:
    return copies_folder(state) / f"{name}.list"


def record_path(state: str, name: str) -> Path:
    return copies_folder(state) / f"{name}.json"


@dataclass(frozen=True)
class CopyRecord:
    """The record of a subscription; times in seconds since the epoch, 0: never.

    `terms` is a digest of the configuration of the list; with other terms the record is invalid. `etag` and `modified`
    are the server's, `digest` is the copy's SHA-256. `succeeded` is the time at which the copy was last fetched or
    found unchanged, `failures` and `error` describe the failed updates since.
    """

    terms: str = ""
    etag: str = ""
    modified: str = ""
    digest: str = ""
    entries: int = 0
    succeeded: float = 0.0
    changed: float = 0.0
    tried: float = 0.0
    failures: int = 0
    error: str = ""


def read_record(state: str, name: str) -> CopyRecord:
    """Returns the record; an empty one if it is missing or damaged, and the list is then fetched unconditionally."""
    try:
        values = json.loads(read_plain(record_path(state, name)))
    except (OSError, ValueError, RecursionError):
        return CopyRecord()
    known = {field.name: type(field.default) for field in fields(CopyRecord)}
    if not isinstance(values, dict) or any(type(values.get(key)) is not kind for key, kind in known.items()):
        return CopyRecord()
    return CopyRecord(**{key: values[key] for key in known})


def read_plain(path: Path) -> bytes:
    """Returns the beginning of a regular file; a pipe in the folder cannot block the daemon. Raises OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read(RECORD_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""


def write_record(state: str, name: str, record: CopyRecord) -> None:
    """Writes the record. Raises OSError."""
    path = record_path(state, name)
    with fresh_file(path) as file:
        file.write(json.dumps(asdict(record), indent=1).encode() + b"\n")
    put_in_place(path)


def make_folder(state: str) -> Path:
    """Returns the folder of the copies; creates it if it is missing. Raises OSError."""
    folder = copies_folder(state)
    if not folder.is_dir():
        os.makedirs(state, exist_ok=True)
        os.mkdir(folder)
        os.chmod(folder, FOLDER_MODE)
        adopt(folder, Path(state))
    return folder


@contextmanager
def fresh_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens a new file beside `path`: synced to disk if the block succeeds, deleted if it fails. Raises OSError."""
    fresh = fresh_path(path)
    with suppress(FileNotFoundError):
        fresh.unlink()
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), FILE_MODE)
            adopt(fresh, path.parent)
            os.fsync(file.fileno())
    except BaseException:
        drop_fresh(path)
        raise


def put_in_place(path: Path) -> None:
    """Renames the fresh file to `path`, atomically even if the power fails. Raises OSError."""
    try:
        os.replace(fresh_path(path), path)
    except OSError:
        drop_fresh(path)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_fresh(path: Path) -> None:
    with suppress(OSError):
        fresh_path(path).unlink()


def fresh_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def adopt(path: Path, parent: Path) -> None:
    """Gives a file that root created to the owner of its folder, who may have to replace it."""
    if os.geteuid() == 0:
        owner = os.stat(parent)
        os.chown(path, owner.st_uid, owner.st_gid)
