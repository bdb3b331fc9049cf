"""Reads columns separated by commas, semicolons, tabs or blanks; the first that is not a number is a name or address.

A name includes its subdomains; the other columns are not read. Ranked lists (Tranco, Umbrella, Majestic: `rank,name`)
have this form too; `auto` reads none of them, because a ranking is not a list of names to ban.
"""

import re
from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.prefix import may_be_address, parse_address
from monitor.catalog.sheet import Sheet

SEPARATORS: Final = re.compile(r"[,;\t]|\s+")
RANKED: Final = re.compile(r'(?:"?\d+"?(?:[,;\t ]|[.:)]\s)\s*)+"?[^\s",;]*[^\W\d_][^\s",;]*\.[^\s",;]+"?(?:[,;\t ]|$)')
# Feeds of URLs number their lines: `"3001","2026-05-01 10:00:01","http://…"`.
NUMBERED_URL: Final = re.compile(r'"?\d+"?[,;\t ].*[a-z]://')
# The start of lines in a short hosts file: not a rank, because ranks count from 1.
HOSTS_SINK: Final = re.compile(r"0\s")
RANK: Final = "rank"
# This many names followed by the numbers from 1 up are a ranking too.
RANKS_LEAST: Final = 3
# Words of a header.
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
    if value.lower() in HEADS and not sheet.entries and not sheet.section and "." not in text:
        sheet.section = "head"
        return
    if "/" in value or (may_be_address(value) and parse_address(value) is not None):
        sheet.prefix(value)
    elif "." not in value:
        sheet.ignore("no name in the first column", text)
    else:
        sheet.suffix(value.removeprefix("*.").removeprefix("."))


def is_ranked(line: str) -> bool:
    """Whether one or more numbers precede a name, as in a ranking."""
    text = line.strip()
    if RANKED.match(text) is not None:
        return HOSTS_SINK.match(text) is None
    return NUMBERED_URL.match(text) is not None


def is_ranked_behind(lines: list[str]) -> bool:
    """Whether ranks follow the names: a header names the column, or the numbers count up from 1."""
    rows = [[field.strip("\"' ") for field in SEPARATORS.split(line.strip()) if field] for line in lines]
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        return False
    if len(rows) > 1 and "." not in "".join(rows[0]) and any(field.lower().endswith(RANK) for field in rows[0]):
        return True
    numbers = [row[-1] for row in rows[1 if rows[0][0].lower() in HEADS else 0 :]]
    return len(numbers) >= RANKS_LEAST and numbers == [str(at + 1) for at in range(len(numbers))]
