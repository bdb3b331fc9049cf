"""Caches the index of the shipped lists between runs: building it takes half a second, reading it almost no time.

The name of the cached file is a digest of the inputs of the index, so the file cannot be stale. The file is used only
if it belongs to the user and is complete. If it is missing or cannot be written, the next run builds the index.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import publicsuffixlist

from monitor import catalog
from monitor.catalog.entry import LineFault
from monitor.catalog.index import MAGIC, Index
from monitor.lists.loader import ListStatus, Loaded, load_catalogue
from monitor.lists.shipped import shipped_files
from monitor.lists.user import UserList

DIGEST_BYTES: Final = 32
LENGTH_BYTES: Final = 8
OTHERS_MAY_WRITE: Final = 0o022
# Several installations may share the folder.
COPIES_KEPT: Final = 4


def load_cached(user_lists: Sequence[UserList] = ()) -> Loaded:
    """Returns the result of `load_catalogue`; without user lists it reads the cached copy if there is one."""
    if user_lists:
        return load_catalogue(user_lists)
    path = cache_folder() / f"index-{fingerprint()}"
    kept = _read(path)
    if kept is not None:
        return kept
    loaded = load_catalogue()
    with suppress(OSError):
        _write(path, loaded)
    return loaded


def cache_folder() -> Path:
    """Returns the cache folder that systemd or the desktop sets, else `~/.cache`."""
    given = os.environ.get("CACHE_DIRECTORY") or os.environ.get("XDG_CACHE_HOME")
    base = Path(given) if given and os.path.isabs(given) else Path(os.path.expanduser("~"), ".cache")
    return base if "CACHE_DIRECTORY" in os.environ else base / "gatewatch"


def fingerprint() -> str:
    """Returns a digest of every file from which the index is built, and of the code that builds it."""
    digest = hashlib.sha256(MAGIC)
    for code in sorted(Path(str(catalog.__file__)).parent.rglob("*.[ps][yo]")):
        digest.update(f"{code.name} {code.stat().st_size} {code.stat().st_mtime_ns}\n".encode())
    for path in [*shipped_files(), Path(publicsuffixlist.PSLFILE)]:
        text = path.read_bytes()
        digest.update(f"{path}\n{len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()[:32]


def _read(path: Path) -> Loaded | None:
    """Reads `digest | length | statuses as JSON | dump`; returns None if the file has another form."""
    try:
        with path.open("rb") as file:
            owner = os.fstat(file.fileno())
            if owner.st_uid != os.geteuid() or owner.st_mode & OTHERS_MAY_WRITE:
                return None
            data = file.read()
    except OSError:
        return None
    if hashlib.sha256(data[DIGEST_BYTES:]).digest() != data[:DIGEST_BYTES]:
        return None
    head = DIGEST_BYTES + LENGTH_BYTES
    end = head + int.from_bytes(data[DIGEST_BYTES:head], "little")
    now = time.time()
    statuses = []
    for row in json.loads(data[head:end]):
        row["complaints"] = tuple(LineFault(**complaint) for complaint in row["complaints"])
        statuses.append(ListStatus(**{**row, "loaded_at": now, "updated_at": now}))
    return Loaded(Index.load(data[end:]), tuple(statuses))


def _write(path: Path, loaded: Loaded) -> None:
    """Replaces the cached file atomically; deletes the oldest cached files beyond `COPIES_KEPT`."""
    statuses = json.dumps([asdict(status) for status in loaded.statuses]).encode()
    body = len(statuses).to_bytes(LENGTH_BYTES, "little") + statuses + loaded.index.dump()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"new-{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    copies = sorted(path.parent.glob("index-*"), key=lambda copy: copy.stat().st_mtime)
    for old in copies[:-COPIES_KEPT]:
        old.unlink(missing_ok=True)
