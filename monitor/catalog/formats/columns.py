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
RANKED: Final = re.compile(r'(?:"?\d+"?(?:[,;\t ]|[.:)]\s)\s*)+"?[^\s",;]*[^\W\d_][^\s",;]*\.[^\s",;]+"?(?:[,;\t ]|$)')
# Feeds of addresses of pages count them: `"3001","2026-05-01 10:00:01","http://…"`.
NUMBERED_URL: Final = re.compile(r'"?\d+"?[,;\t ].*[a-z]://')
# How a short hosts file begins its lines: no rank, for those count from 1.
HOSTS_SINK: Final = re.compile(r"0\s")
RANK: Final = "rank"
# So many names with the numbers from 1 up behind them are a ranking, too.
RANKS_LEAST: Final = 3
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
    """Whether a number or several stand before a name, as in a ranking."""
    text = line.strip()
    if RANKED.match(text) is not None:
        return HOSTS_SINK.match(text) is None
    return NUMBERED_URL.match(text) is not None


def is_ranked_behind(lines: list[str]) -> bool:
    """Whether names have their rank behind them: so the head line has it, or the numbers go up from 1 by one."""
    rows = [[field.strip("\"' ") for field in SEPARATORS.split(line.strip()) if field] for line in lines]
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        return False
    if len(rows) > 1 and "." not in "".join(rows[0]) and any(field.lower().endswith(RANK) for field in rows[0]):
        return True
    numbers = [row[-1] for row in rows[1 if rows[0][0].lower() in HEADS else 0 :]]
    return len(numbers) >= RANKS_LEAST and numbers == [str(at + 1) for at in range(len(numbers))]
