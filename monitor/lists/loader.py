"""Builds an index from files: the user's lists first, then the shipped ones."""

import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import LineFault
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes
from monitor.catalog.vendor_file import read_vendor_file
from monitor.lists.copies import is_subscription, read_record
from monitor.lists.shipped import public_suffixes, shipped_files
from monitor.lists.user import UserList, list_path, read_user_list


@dataclass(frozen=True)
class ListStatus:
    """The result of reading one list. `complaints` are the first ones; `ignored` counts all lines that gave no entry.

    `format` is the list's format, `""` for a shipped list and for one that was not read; `suffixes`, `exacts`,
    `prefixes` and `asns` are the numbers of entries by kind, as in a vendor file. `origin` is the file that was read.
    Times are in seconds since the epoch: `loaded_at` is 0 if nothing could be read, with the reason in `error`;
    `updated_at` is the time at which a subscription was last fetched or found unchanged, for other lists the time of
    loading. `failures` and `update_error` describe a subscription's failed updates since then, `stamp` identifies the
    file's state when it was read.
    """

    name: str
    origin: str
    entries: int
    ignored: int
    complaints: tuple[LineFault, ...]
    loaded_at: float
    error: str = ""
    shipped: bool = False
    updated_at: float = 0.0
    failures: int = 0
    update_error: str = ""
    stamp: str = ""
    format: str = ""
    suffixes: int = 0
    exacts: int = 0
    prefixes: int = 0
    asns: int = 0


@dataclass(frozen=True)
class Loaded:
    """An index and the status of each list, in the order of precedence."""

    index: Index
    statuses: tuple[ListStatus, ...] = field(default=())


def build_catalogue(user_lists: Sequence[UserList]) -> tuple[bytes, list[ListStatus]]:
    """Returns the dump of an index of all lists, and their statuses. Raises ListError if the shipped
    lists are missing.
    """
    suffixes = public_suffixes()
    builder = IndexBuilder(secrets.randbits(32))
    statuses = [load_user_list(user, suffixes, builder) for user in user_lists]
    for path in shipped_files():
        sheet = read_vendor_file(path.read_text(encoding="utf-8"), path.stem, suffixes, builder)
        now = time.time()
        statuses.append(replace(status_of(path.stem, str(path), sheet, now), shipped=True, updated_at=now))
    return builder.build(), statuses


def load_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> ListStatus:
    """Adds a user's list; if it cannot be read, the fault is in its status and the other lists are not affected."""
    stamp = stamp_of(user)
    read = read_user_list(user, suffixes, builder)
    builder.count_list(user.name, read.sheet.entries, read.sheet.ignored)
    status = status_of(user.name, read.origin, read.sheet, 0.0 if read.fault else time.time())
    return with_record(replace(status, error=read.fault, stamp=stamp, format=read.format), user)


def status_of(name: str, origin: str, sheet: Sheet, loaded_at: float) -> ListStatus:
    """Returns the status from the values of a sheet."""
    return ListStatus(
        name,
        origin,
        sheet.entries,
        sheet.ignored,
        tuple(sheet.complaints),
        loaded_at,
        suffixes=sheet.suffixes,
        exacts=sheet.exacts,
        prefixes=sheet.prefixes,
        asns=sheet.asns,
    )


def with_record(status: ListStatus, user: UserList) -> ListStatus:
    """Returns the status with the values of a subscription's current record."""
    if not is_subscription(user.url):
        return replace(status, updated_at=status.loaded_at)
    record = read_record(user.state, user.name)
    return replace(status, updated_at=record.succeeded, failures=record.failures, update_error=record.error)


def stamp_of(user: UserList) -> str:
    """Returns the path and state of a list's file; if the stamp changes, the list must be read again."""
    path, _ = list_path(user)
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        found = None
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns}" if found else ""


def load_catalogue(user_lists: Sequence[UserList] = ()) -> Loaded:
    """Builds the index of all lists in this process. The daemon uses `lists.child` instead."""
    dump, statuses = build_catalogue(user_lists)
    return Loaded(Index.load(dump), tuple(statuses))
