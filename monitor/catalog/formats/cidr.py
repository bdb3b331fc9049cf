"""Reads one prefix, address or range (`first-last`) per line; text after a blank, `;` or `#` is a comment."""

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if not is_comment(text):
        read_prefix(text.split(";", 1)[0].strip(), sheet)


def read_prefix(text: str, sheet: Sheet) -> None:
    """Reads a text without comments."""
    first, dash, last = text.partition("-")
    if dash:
        sheet.range(first.strip(), last.strip())
    elif len(text.split()) == 1:
        sheet.prefix(text)
    else:
        sheet.ignore("more than a prefix", text)
