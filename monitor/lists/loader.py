"""From files to an index: the user's lists first, then the shipped ones."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Complaint
from monitor.catalog.index import Index
from monitor.catalog.suffixes import PublicSuffixes
from monitor.catalog.vendor_file import read_vendor_file
from monitor.lists.shipped import public_suffixes, shipped_files
from monitor.lists.user import UserList, read_user_list


@dataclass(frozen=True)
class ListStatus:
    """How reading one list went. `complaints` are the first ones; `ignored` counts all lines that gave no entry.

    `origin` is the file that was read. `loaded_at` is in seconds since the epoch, 0 where nothing could be read, and
    then `error` says why.
    """

    name: str
    origin: str
    entries: int
    ignored: int
    complaints: tuple[Complaint, ...]
    loaded_at: float
    error: str = ""
    shipped: bool = False


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
        statuses.append(
            ListStatus(
                path.stem, str(path), sheet.entries, sheet.ignored, tuple(sheet.complaints), time.time(), shipped=True
            )
        )
    return builder.build(), statuses


def load_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> ListStatus:
    """Adds a user's list; one that cannot be read at all leaves its error in its status and the others in place."""
    origin, sheet, error = read_user_list(user, suffixes, builder)
    loaded_at = 0.0 if error else time.time()
    builder.count_list(user.name, sheet.entries, sheet.ignored)
    return ListStatus(user.name, origin, sheet.entries, sheet.ignored, tuple(sheet.complaints), loaded_at, error)


def load_catalogue(user_lists: Sequence[UserList] = ()) -> Loaded:
    """The index of all lists, built here and now. The daemon uses `lists.child` instead."""
    dump, statuses = build_catalogue(user_lists)
    return Loaded(Index.load(dump), tuple(statuses))
