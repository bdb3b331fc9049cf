"""Checks a fetched list before it is used: rejects files that are no list, are truncated, or would ban too much."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import LineFault, Owner
from monitor.catalog.formats.reader import makes_little_sense
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes
from monitor.errors import ListError
from monitor.lists.heads import HEAD_BYTES, check_head, printable
from monitor.lists.packing import open_list
from monitor.lists.subscription import Subscription
from monitor.lists.user import UserList, protected_names, read_file

# A list that is larger or smaller than the previous one by this factor is another list, or is truncated.
FACTOR: Final = 10


@dataclass(frozen=True)
class InspectedList:
    """The contents of a list: its distinct entries as `kind value`, the number of entries with repetitions, the lines
    without an entry, and the first of these lines, of the refused lines and of the public suffixes.

    `refused` counts public suffixes and protected names, `cut` is the reason why the list was not read to its end, and
    `is_strange` is true if most lines are invalid in its format or were refused.
    """

    entries: frozenset[str] = frozenset()
    count: int = 0
    ignored: int = 0
    refused: int = 0
    format: str = ""
    cut: str = ""
    is_strange: bool = False
    public_suffix: LineFault | None = None
    first_refused: LineFault | None = None
    first_complaint: LineFault | None = None


def read_contents(path: Path, user: UserList, suffixes: PublicSuffixes) -> InspectedList:
    """Reads the list as the daemon does, and one entry more than the maximum, so that the caller sees the excess.

    Raises OSError and ListError.
    """
    builder = IndexBuilder()
    sheet = Sheet(suffixes, builder, builder.number_of(Owner(user.name)), protected_names(user))
    format = read_file(path, user, suffixes, sheet, user.max_entries + 1)
    return InspectedList(
        frozenset(f"{entry.kind} {entry.value}" for entry in Index.load(builder.build()).entries()),
        sheet.entries,
        sheet.ignored,
        sheet.refused,
        format,
        sheet.cut,
        makes_little_sense(sheet),
        sheet.public_suffix,
        sheet.first_refused,
        next((complaint for complaint in sheet.complaints if complaint.ignored), None),
    )


def inspect(path: Path, one: Subscription, suffixes: PublicSuffixes, force: bool) -> InspectedList:
    """Returns the contents of a usable list. Raises ListError with the reason if it is not, OSError if it is missing.

    `force` accepts a list with mostly invalid lines; refused lines still give no entry.
    """
    user = one.user
    with open_list(path) as file:
        check_head(file.read(HEAD_BYTES))
    contents = read_contents(path, user, suffixes)
    if contents.cut:
        raise ListError(contents.cut)
    if contents.public_suffix is not None and not one.skips_suffixes:
        raise ListError(suffix_in(contents.public_suffix))
    if not contents.entries:
        raise ListError(f"not a list: {nothing_in(contents)}")
    if contents.count > user.max_entries:
        raise ListError(f"more than max_entries ({user.max_entries:,})")
    if contents.is_strange and not force:
        raise ListError(strange(contents))
    return contents


def strange(contents: InspectedList) -> str:
    first = f", the first: {printable(str(contents.first_complaint))}" if contents.first_complaint else ""
    return (
        f"not a list: {contents.ignored:,} of its lines gave no entry as {contents.format}, and {contents.count:,} did"
        f"{first} (`format` in its [[list]] sets another format; --force accepts it)"
    )


def suffix_in(complaint: LineFault) -> str:
    text = printable(complaint.text)
    return (
        f"line {complaint.line} would ban a public suffix, under which anybody can register names: {text} "
        '(public_suffixes = "skip" in its [[list]] leaves such lines out)'
    )


def nothing_in(contents: InspectedList) -> str:
    if contents.first_complaint is None:
        return "nothing but comments"
    if not contents.first_complaint.line:
        return contents.first_complaint.reason
    return f"none of its lines is an entry ({contents.ignored}), the first: {printable(str(contents.first_complaint))}"


def check_growth(before: int, now: int) -> None:
    """Raises ListError if the size of the list changed too much: truncated, emptied, or replaced by another list."""
    if before and (now * FACTOR <= before or now >= before * FACTOR):
        than = "smaller" if now < before else "larger"
        raise ListError(f"{FACTOR} times {than} than before ({now:,} after {before:,} entries): --force accepts it")
