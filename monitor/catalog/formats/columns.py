"""Columns between commas, semicolons, tabs or blanks, of which the first that is no number is a name or an address.

A name stands for itself and everything below it; the other columns are not read. Ranked lists (Tranco, Umbrella,
Majestic: `rank,name`) have this form, too; `auto` takes none of these, because a ranking is not a list of names to
ban.
"""

import re
from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.prefix import may_be_address, parse_address
from monitor.catalog.sheet import Sheet

SEPARATORS: Final = re.compile(r"[,;\t]|\s+")
RANKED: Final = re.compile(r'(?:"?\d+"?[,;\t ]\s*)+"?[^\s",;]*[^\W\d_][^\s",;]*\.[^\s",;]+"?(?:[,;\t ]|$)')
# Words of a head line.
HEADS: Final = frozenset(
    ("address", "domain", "domains", "fqdn", "globalrank", "host", "hostname", "ip", "name", "rank", "url")
)


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if is_comment(text):
        return
    for field in SEPARATORS.split(text):
        value = field.strip("\"' ")
        if value and not value.isdigit():
            read_value(value, text, sheet)
            return
    sheet.ignore("no name and no address in any column", text)


def read_value(value: str, text: str, sheet: Sheet) -> None:
    if value.lower() in HEADS and not sheet.entries:
        return
    if "/" in value or (may_be_address(value) and parse_address(value) is not None):
        sheet.prefix(value)
    elif "." not in value:
        sheet.ignore("no name in the first column", text)
    else:
        sheet.suffix(value.removeprefix("*.").removeprefix("."))


def is_ranked(line: str) -> bool:
    """Whether a number or several stand before a name, as in a ranking."""
    return RANKED.match(line.strip()) is not None
