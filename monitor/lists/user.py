"""The user's own lists: files in any of the formats, read line by line within limits."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote, urlsplit

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Vendor, owner_of
from monitor.catalog.formats.reader import read_list
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes
from monitor.lists.copies import copy_path, is_subscription, shown
from monitor.lists.refusal import refusal

DEFAULT_MAX_BYTES: Final = 67_108_864
DEFAULT_MAX_ENTRIES: Final = 2_000_000
# More than a reader takes for a line; what is behind is passed over.
LINE_BYTES: Final = 65_536


@dataclass(frozen=True)
class UserList:
    """A `[[list]]` of the configuration. `vendor` is `slug`, `slug/service` or `category:slug`.

    `url` is a path, a `file:` URL or an `https:` URL; of URLs the last good copy in `state` is read.
    """

    name: str
    url: str
    vendor: str
    format: str = "auto"
    max_bytes: int = DEFAULT_MAX_BYTES
    max_entries: int = DEFAULT_MAX_ENTRIES
    state: str = ""


def list_path(user: UserList) -> tuple[Path | None, str]:
    """The file to read, or none and why. Until a `file:` URL has been updated, the file itself is read."""
    if not is_subscription(user.url):
        return Path(user.url), ""
    copy = copy_path(user.state, user.name)
    try:
        if user.state and os.stat(copy):
            return copy, ""
    except FileNotFoundError:
        pass
    except OSError as error:
        return None, f"{copy} cannot be read: {error.strerror}"
    source = Path(unquote(urlsplit(user.url).path))
    if urlsplit(user.url).scheme == "file" and os.access(source, os.R_OK):
        return source, ""
    return None, f"no copy of it yet: `gatewatch lists update {user.name}` fetches one"


def read_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> tuple[str, Sheet, str]:
    """Adds the list's entries to `builder`; gives the file, the sheet and what kept it from being read (`""`)."""
    owner = owner_of(user.vendor, user.name)
    services = ((owner.service, owner.service),) if owner.service != "unknown" else ()
    builder.add_vendor(Vendor(owner.vendor, owner.vendor, "category" if owner.category else "vendor", services))
    sheet = Sheet(suffixes, builder, builder.number_of(owner))
    path, fault = list_path(user)
    if path is None:
        return shown(user.url), sheet, fault
    try:
        with open(path, "rb") as file:
            read_list(limited_lines(file, user.max_bytes, sheet), user.format, sheet, suffixes, user.max_entries)
    except OSError as error:
        return str(path), sheet, f"cannot be read: {refusal(error)}"
    return str(path), sheet, ""


def limited_lines(file: IO[bytes], max_bytes: int, sheet: Sheet) -> Iterator[str]:
    """The file's lines as text, at most `max_bytes` of them; bytes that are not UTF-8 become U+FFFD."""
    size = os.fstat(file.fileno()).st_size
    if size > max_bytes:
        sheet.ignore(f"longer than max_bytes ({size} > {max_bytes}): the rest is not read", "")
    left = max_bytes
    while line := file.readline(LINE_BYTES):
        rest = line
        while len(rest) == LINE_BYTES and rest[-1:] != b"\n":
            rest = file.readline(LINE_BYTES)
            left -= len(rest)
        left -= len(line)
        if left < 0:
            return
        yield line.decode("utf-8", "replace")
