"""The user's own lists: files in any of the formats, read line by line within limits."""

import os
from codecs import getincrementaldecoder
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
from monitor.errors import ListError
from monitor.lists.copies import copy_path, is_subscription, shown
from monitor.lists.packing import open_list
from monitor.lists.refusal import refusal
from monitor.policy.protected import PROTECTED

DEFAULT_MAX_BYTES: Final = 67_108_864
DEFAULT_MAX_ENTRIES: Final = 2_000_000
# More than a reader takes for a line; what is behind is passed over.
LINE_BYTES: Final = 65_536
# What may stand before a document: a BOM and blanks.
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True)
class UserList:
    """A `[[list]]` of the configuration. `vendor` is `slug`, `slug/service` or `category:slug`.

    `url` is a path, a `file:` URL or an `https:` URL; of URLs the last good copy in `state` is read. `protected` are
    the names of `[protect]`: a line that names one, or one below it, gives no entry.
    """

    name: str
    url: str
    vendor: str
    format: str = "auto"
    max_bytes: int = DEFAULT_MAX_BYTES
    max_entries: int = DEFAULT_MAX_ENTRIES
    state: str = ""
    protected: tuple[str, ...] = ()


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


def protected_names(user: UserList) -> frozenset[bytes]:
    """The names that the list may not take: those of the configuration, and the built-in ones."""
    return frozenset((*PROTECTED, *(name.encode() for name in user.protected)))


@dataclass(frozen=True)
class ListRead:
    """What reading a user list gave: the file, the sheet, the format, and what kept it from being read (`""`)."""

    origin: str
    sheet: Sheet
    format: str = ""
    fault: str = ""


def read_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> ListRead:
    """Adds the list's entries to `builder`."""
    owner = owner_of(user.vendor, user.name)
    services = ((owner.service, owner.service),) if owner.service != "unknown" else ()
    builder.add_vendor(Vendor(owner.vendor, owner.vendor, "category" if owner.category else "vendor", services))
    sheet = Sheet(suffixes, builder, builder.number_of(owner), protected_names(user))
    path, fault = list_path(user)
    if path is None:
        return ListRead(shown(user.url), sheet, fault=fault)
    try:
        format = read_file(path, user, suffixes, sheet, user.max_entries)
    except OSError as error:
        return ListRead(str(path), sheet, fault=f"cannot be read: {refusal(error)}")
    except ListError as error:
        return ListRead(str(path), sheet, fault=str(error))
    return ListRead(str(path), sheet, format)


def read_file(path: Path, user: UserList, suffixes: PublicSuffixes, sheet: Sheet, max_entries: int) -> str:
    """Puts a list's file into `sheet`; gives its format. Raises OSError and ListError."""
    with open_list(path) as file:
        return read_list(limited_lines(file, user.max_bytes, sheet), user.format, sheet, suffixes, max_entries)


def limited_lines(file: IO[bytes], max_bytes: int, sheet: Sheet) -> Iterator[str]:
    """The file's lines as text, at most `max_bytes` of them; bytes that are not UTF-8 become U+FFFD.

    What is longer than LINE_BYTES comes without its rest, but a JSON document in pieces of that size.
    """
    try:
        yield from cut_lines(file, max_bytes)
    except ListError as error:
        sheet.cut_off(str(error))


def cut_lines(file: IO[bytes], max_bytes: int) -> Iterator[str]:
    """Raises ListError where there are more than `max_bytes`, or where a packed file is damaged."""
    left = max_bytes
    decoder = getincrementaldecoder("utf-8")("replace")
    is_decided = is_document = False
    while line := file.readline(LINE_BYTES):
        if not is_decided and line.strip(BLANKS):
            is_decided, is_document = True, line.lstrip(BLANKS).startswith(b"{")
        rest = line
        while not is_document and len(rest) == LINE_BYTES and rest[-1:] != b"\n":
            rest = file.readline(LINE_BYTES)
            left -= len(rest)
        left -= len(line)
        if left < 0:
            raise ListError(f"longer than max_bytes ({max_bytes:,})")
        yield decoder.decode(line) if is_document else line.decode("utf-8", "replace")
