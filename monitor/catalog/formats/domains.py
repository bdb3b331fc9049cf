"""One name, address, prefix or range of addresses a line.

A name stands for itself and everything below it; `*.name` and `.name` mean the same. UT1's lists and others mix names
with addresses.
"""

from typing import Final

from monitor.catalog.formats.cidr import read_prefix
from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet

# A line of these alone is an IPv4 address, a prefix or a range.
OF_ADDRESSES: Final = "0123456789./- \t"
# Digits, dots and stars stand before it in ASCII.
LETTERS: Final = "A"


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if is_comment(text):
        return
    if text[0] < LETTERS:
        read_marked(text, sheet)
    elif ":" in text:
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    else:
        sheet.suffix(text)


def read_marked(text: str, sheet: Sheet) -> None:
    """A line that begins with a digit or a mark."""
    if text.startswith("*."):
        sheet.suffix(text[2:])
    elif text.startswith("."):
        sheet.suffix(text[1:])
    elif ":" in text or not text.split(";", 1)[0].strip(OF_ADDRESSES):
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    else:
        sheet.suffix(text)
