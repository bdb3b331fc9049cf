"""Reads one name, address, prefix or range of addresses per line.

A name includes its subdomains; `*.name` and `.name` mean the same. UT1's lists and others mix names with addresses. A
URL without a path gives its host. A URL with a path gives no entry, because a ban of the host would cover more.
"""

import re
from typing import Final

from monitor.catalog.formats.cidr import read_prefix
from monitor.catalog.formats.comments import is_comment, without_comment, without_tail
from monitor.catalog.prefix import may_be_address, parse_address
from monitor.catalog.sheet import Sheet

# A line of only these characters is an IPv4 address, a prefix or a range.
OF_ADDRESSES: Final = "0123456789./- \t"
# Digits, dots and stars precede it in ASCII.
LETTERS: Final = "A"
# A name or an address with a scheme, a port or a path, and its host, port and path.
URL: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?([\w.-]+\.[\w-]+)(:\d+)?(/\S*)?")
PATTERN: Final = re.compile(r"[\w.*-]+")


def read_line(line: str, sheet: Sheet) -> None:
    text = without_tail(without_comment(line))
    if is_comment(text):
        return
    if text[0] < LETTERS:
        read_marked(text, sheet)
    elif "/" in text or "*" in text:
        read_other(text, sheet)
    elif ":" in text:
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    else:
        sheet.suffix(text)


def read_marked(text: str, sheet: Sheet) -> None:
    """Reads a line that begins with a digit, a dot, a star or another punctuation mark."""
    below = text.startswith(("*.", "."))
    bare = text.lstrip("*")[1:] if below else text
    if not below and not text.split(";", 1)[0].strip(OF_ADDRESSES):
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    elif "/" in bare or "*" in bare:
        read_other(bare, sheet)
    elif not below and ":" in text:
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    else:
        sheet.suffix(bare)


def read_other(text: str, sheet: Sheet) -> None:
    """Reads a line with a slash or a star: a URL, a pattern, or an IPv6 prefix."""
    url = URL.fullmatch(text)
    if url is not None and (url.group(3) or "/") == "/" and ("://" in text or not url.group(2)):
        host = url.group(1)
        if may_be_address(host) and parse_address(host) is not None:
            sheet.prefix(host)
        else:
            sheet.suffix(host)
    elif url is not None:
        sheet.leave_out("a page of a site, not a whole name: write the name alone to ban all of it", text)
    elif "*" in text and PATTERN.fullmatch(text):
        sheet.leave_out("a pattern, not a whole name", text)
    elif ":" in text:
        read_prefix(text.split(";", 1)[0].strip(), sheet)
    else:
        sheet.suffix(text)
