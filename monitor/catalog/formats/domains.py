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


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if is_comment(text):
        return
    if (text[0].isdigit() and is_address(text)) or ":" in text:
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    elif text.startswith("*."):
        sheet.suffix(text[2:])
    elif text.startswith("."):
        sheet.suffix(text[1:])
    else:
        sheet.suffix(text)


def is_address(text: str) -> bool:
    """Whether the text, up to a `;`, has only characters that addresses, prefixes and ranges have."""
    return not text.split(";", 1)[0].strip(OF_ADDRESSES)
