"""Reads the user's lists: files in any of the formats, line by line within limits."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Vendor, owner_of
from monitor.catalog.formats.reader import read_list
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes
from monitor.errors import ListError
from monitor.lists.copies import copy_path, is_subscription, shown
from monitor.lists.heads import HEAD_BYTES, check_head, encoding_of
from monitor.lists.packing import open_list
from monitor.lists.refusal import refusal
from monitor.policy.protected import PROTECTED

DEFAULT_MAX_BYTES: Final = 67_108_864
DEFAULT_MAX_ENTRIES: Final = 2_000_000
# More than any format accepts as a line; the rest of the line is skipped.
LINE_CHARACTERS: Final = 65_536
# Characters that may precede a document: a BOM and blanks.
BLANKS: Final = "\ufeff \t\r\n"


@dataclass(frozen=True)
class UserList:
    """A `[[list]]` of the configuration. `vendor` is `slug`, `slug/service` or `category:slug`.

    `url` is a path, a `file:` URL or an `https:` URL; for URLs the last good copy in `state` is read. `protected` are
    the names of `[protect]`: a line with one of them, or a subdomain, gives no entry.
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
    """Returns the file to read, or None and the reason. Before the first update of a `file:` URL, the file itself is
    read.
    """
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
    return None, f"no copy of it yet: run `gatewatch lists update {user.name}` to fetch one"


def protected_names(user: UserList) -> frozenset[bytes]:
    """Returns the names that the list must not contain: those of the configuration, and the built-in ones."""
    return frozenset((*PROTECTED, *(name.encode() for name in user.protected)))


@dataclass(frozen=True)
class ListRead:
    """The result of reading a user list: the file, the sheet, the format, and the fault that prevented reading (`""`:
    none).
    """

    origin: str
    sheet: Sheet
    format: str = ""
    fault: str = ""


def read_user_list(user: UserList, suffixes: PublicSuffixes, builder: IndexBuilder) -> ListRead:
    """Adds the list's entries to `builder`; returns the result."""
    owner = owner_of(user.vendor, user.name)
    services = ((owner.service, owner.service),) if owner.service != "unknown" else ()
    builder.add_vendor(Vendor(owner.vendor, owner.vendor, "category" if owner.category else "vendor", services))
    sheet = Sheet(suffixes, builder, builder.number_of(owner), protected_names(user))
    path, fault = list_path(user)
    if path is None:
        return ListRead(shown(user.url), sheet, fault=fault)
    try:
        format = read_file(path, user, suffixes, sheet, user.max_entries)
        if not sheet.entries:
            check_kind(path)
    except OSError as error:
        return ListRead(str(path), sheet, fault=f"cannot be read: {refusal(error)}")
    except ListError as error:
        return ListRead(str(path), sheet, fault=str(error))
    return ListRead(str(path), sheet, format)


def read_file(path: Path, user: UserList, suffixes: PublicSuffixes, sheet: Sheet, max_entries: int) -> str:
    """Reads a list's file into `sheet`; returns its format. Raises OSError and ListError."""
    with open_list(path) as file:
        return read_list(limited_lines(file, user.max_bytes, sheet), user.format, sheet, suffixes, max_entries)


def check_kind(path: Path) -> None:
    """Raises ListError if a file without an entry is not text, or is a web page. Raises OSError."""
    with open_list(path) as file:
        head = file.read(HEAD_BYTES)
    if head.strip():
        check_head(head)


def limited_lines(file: BufferedReader, max_bytes: int, sheet: Sheet) -> Iterator[str]:
    """Yields the file's lines as text, up to `max_bytes` bytes in total. Bytes that are invalid in the encoding become
    U+FFFD.

    Lines end with LF, CR LF or CR. A line longer than LINE_CHARACTERS is truncated; a JSON document is yielded in
    pieces of that size. The size of a file in UTF-16 is measured in UTF-8.
    """
    try:
        yield from cut_lines(file, max_bytes)
    except ListError as error:
        sheet.cut_off(str(error))


def cut_lines(file: BufferedReader, max_bytes: int) -> Iterator[str]:
    """Yields lines as `limited_lines`. Raises ListError if they exceed `max_bytes`, or a packed file is damaged."""
    left = max_bytes
    text = TextIOWrapper(file, encoding=encoding_of(file.peek(HEAD_BYTES)), errors="replace")
    is_decided = is_document = False
    try:
        while line := text.readline(LINE_CHARACTERS):
            if not is_decided and line.strip(BLANKS):
                is_decided, is_document = True, line.lstrip(BLANKS).startswith("{")
            rest = line
            while not is_document and len(rest) == LINE_CHARACTERS and rest[-1:] != "\n":
                rest = text.readline(LINE_CHARACTERS)
                left -= size_of(rest)
            left -= size_of(line)
            if left < 0:
                raise ListError(f"longer than max_bytes ({max_bytes:,})")
            yield line
    finally:
        text.detach()  # the caller closes the file


def size_of(text: str) -> int:
    """Returns the number of bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
