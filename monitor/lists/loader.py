"""From files to an index: the user's lists first, then the shipped ones."""

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
    """How reading one list went. `complaints` are the first ones; `ignored` counts all lines that gave no entry.

    `format` is the one that the list was read in, `""` where it is a shipped one or was not read; `suffixes`, `exacts`,
    `prefixes` and `asns` are how many entries there are of each kind, as a vendor file calls them.
    `origin` is the file that was read. Times are in seconds since the epoch: `loaded_at` is 0 where nothing could be
    read, and then `error` says why; `updated_at` is when a subscription was last fetched or found unchanged, of other
    lists when they were loaded. `failures` and `update_error` tell of a subscription's tries since, `stamp` is the
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
    """An index and how each list went, in the order of precedence."""

    index: Index
    statuses: tuple[ListStatus, ...] = field(default=())


def build_catalogue(user_lists: Sequence[UserList]) -> tuple[bytes, list[ListStatus]]:
    """The dump of an index of all lists, and their statuses. ListError where the shipped ones are missing."""
    suffixes = public_suffixes()
    builder = IndexBuilder(secrets.randbits(32))
    statuses = [load_user_list(user, suffixes, builder) for user in user_lists]
    for path in shipped_files():
        sheet = read_vendor_file(path.read_text(encoding="utf-8"), path.stem, suffixes, builder)
        now = time.time()
        statuses.append(replace(status_of(path.stem, str(path), sheet, now), shipped=True, updated_at=now))
    return builder.build(), statuses


def load_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> ListStatus:
    """Adds a user's list; one that cannot be read at all leaves its error in its status and the others in place."""
    stamp = stamp_of(user)
    read = read_user_list(user, suffixes, builder)
    builder.count_list(user.name, read.sheet.entries, read.sheet.ignored)
    status = status_of(user.name, read.origin, read.sheet, 0.0 if read.fault else time.time())
    return with_record(replace(status, error=read.fault, stamp=stamp, format=read.format), user)


def status_of(name: str, origin: str, sheet: Sheet, loaded_at: float) -> ListStatus:
    """The status that a sheet alone tells."""
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
    """The status with what the record of a subscription says now."""
    if not is_subscription(user.url):
        return replace(status, updated_at=status.loaded_at)
    record = read_record(user.state, user.name)
    return replace(status, updated_at=record.succeeded, failures=record.failures, update_error=record.error)


def stamp_of(user: UserList) -> str:
    """Which file a list is read from, and that file's state: another one means that the list must be read again."""
    path, _ = list_path(user)
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        found = None
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns}" if found else ""


def load_catalogue(user_lists: Sequence[UserList] = ()) -> Loaded:
    """The index of all lists, built here and now. The daemon uses `lists.child` instead."""
    dump, statuses = build_catalogue(user_lists)
    return Loaded(Index.load(dump), tuple(statuses))
