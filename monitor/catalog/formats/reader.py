"""Reads a list line by line in its configured or detected format."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from monitor.catalog.formats import singbox
from monitor.catalog.formats.comments import is_comment
from monitor.catalog.formats.detection import BLANKS, Detection, detect, take_sample
from monitor.catalog.formats.known import FORMATS, LONGEST_LINE
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes

AUTO: Final = "auto"
NO_FORMAT: Final = "no format fits"
EMPTY: Final = "empty: no line gives an entry"
DOMAINS: Final = "domains"
CIDR: Final = "cidr"


def read_list(lines: Iterator[str], format: str, sheet: Sheet, suffixes: PublicSuffixes, max_entries: int) -> str:
    """Reads every line into `sheet`, at most `max_entries` entries; returns the format.

    `format` is a key of FORMATS, `sing-box` or `auto`. A BOM, CR LF and trailing blanks are ignored. With `auto`,
    returns `""` if the list is refused.
    """
    by_itself = format == AUTO
    if by_itself:
        sample = take_sample(lines)
        found = detect(sample, suffixes)
        lines = chain(sample, lines)
        if found.refusal:
            sheet.ignore(found.refusal, "")
            return ""
        format = found.format or DOMAINS
        warn_of(found, sample, sheet)
    if format == singbox.NAME:
        singbox.read_document(lines, sheet, max_entries)
    elif format == CIDR and by_itself:
        # A list that starts with addresses may contain names later.
        read_lines(lines, DOMAINS, sheet, max_entries)
        format = DOMAINS if sheet.suffixes else CIDR
    else:
        read_lines(lines, format, sheet, max_entries)
    warn_of_ignored(format, sheet)
    return format


def read_lines(lines: Iterator[str], format: str, sheet: Sheet, max_entries: int) -> None:
    read_line = FORMATS[format]
    for line in lines:
        sheet.line += 1
        if sheet.entries >= max_entries:
            sheet.ignore(f"more than max_entries ({max_entries}): the rest is not read", "")
            break
        if len(line) > LONGEST_LINE:
            sheet.ignore(f"a line of more than {LONGEST_LINE} characters", line[:80])
        else:
            read_line(line.lstrip("\ufeff").rstrip() if sheet.line == 1 else line.rstrip(), sheet)


def warn_of(found: Detection, sample: list[str], sheet: Sheet) -> None:
    """Warns if no format fits the sample, or if the detected format is doubtful."""
    if not found.format and not all(is_comment(line.strip(BLANKS)) for line in sample):
        sheet.warn(f"{NO_FORMAT}: read as domains", "")
    if found.doubt:
        sheet.warn(found.doubt, "")


def warn_of_ignored(format: str, sheet: Sheet) -> None:
    """Adds a warning before all others if the list gave no entry, or if most lines gave none."""
    if not sheet.entries and not sheet.ignored and not sheet.complaints:
        sheet.warn_of_all(EMPTY)
    if sheet.ignored <= sheet.entries or not sheet.entries:
        return
    if makes_little_sense(sheet):
        reason = f"most lines ({sheet.ignored:,}) gave no entry as {format}, and {sheet.entries:,} did: check `format`"
    else:
        reason = f"most lines ({sheet.ignored:,}) hold what entries cannot express, and {sheet.entries:,} gave an entry"
    sheet.warn_of_all(reason)


def makes_little_sense(sheet: Sheet) -> bool:
    """Whether more lines are invalid in the format, or were refused, than gave an entry."""
    return sheet.ignored - sheet.left_out > sheet.entries
