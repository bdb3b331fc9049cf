"""Reads named.conf: `zone "name" { type master; … };` blocks the name and its subdomains.

https://bind9.readthedocs.io/en/latest/reference.html#zone-block-grammar. A statement may span lines. The zone files of
such zones, and response policy zones, are the format `rpz`.
"""

import re
from typing import Final

from monitor.catalog.sheet import Sheet

ZONE: Final = re.compile(r'\bzone\s+"?([^"\s{};]+)"?(?:\s+(?:in|ch|hs|chaos|hesiod))?\s*(?=\{|$)', re.IGNORECASE)
TYPE: Final = re.compile(r'\btype\s+"?([a-z-]+)"?\s*;', re.IGNORECASE)
BOTH: Final = re.compile(f"{ZONE.pattern}|{TYPE.pattern}", re.IGNORECASE)
ANSWERING: Final = frozenset(("master", "primary"))
# Zones that every server has, which are no entries.
LOCAL: Final = frozenset((".", "local", "localhost", "localdomain", "localhost.localdomain"))
ARPA: Final = (".arpa", ".arpa.")
# Value of `sheet.section` inside a comment of several lines; no zone has such a name.
COMMENT: Final = "/*"


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comments(line, sheet)
    if not text:
        return
    outside = sheet.within == 0 and not sheet.section
    found = False
    for match in BOTH.finditer(text):
        if match.group(1):
            found = True
            sheet.section = match.group(1)
        elif sheet.section:
            read_type(sheet.section, match.group(2).lower(), text, sheet)
            sheet.section = ""
    sheet.within = max(0, sheet.within + text.count("{") - text.count("}"))
    if outside and not found:
        read_other(text, sheet)
    elif sheet.within == 0 and sheet.section and "}" in text:
        sheet.ignore("a zone without a type", sheet.section)
        sheet.section = ""


def without_comments(line: str, sheet: Sheet) -> str:
    """Returns the line without comments: after `//` or `#`, or between `/*` and `*/`, also across lines."""
    text = line
    if sheet.origin == COMMENT:
        _, end, text = text.partition("*/")
        if not end:
            return ""
        sheet.origin = ""
    while "/*" in text:
        head, _, tail = text.partition("/*")
        _, end, rest = tail.partition("*/")
        if not end:
            sheet.origin = COMMENT
        text = f"{head} {rest}"
    return text.partition("//")[0].partition("#")[0].strip()


def read_type(zone: str, kind: str, text: str, sheet: Sheet) -> None:
    if zone.lower() in LOCAL or zone.lower().endswith(ARPA):
        return
    if kind in ANSWERING:
        sheet.suffix(zone)
    else:
        sheet.leave_out(f"a zone of type {kind}, which has no answers of its own", text)


def read_other(text: str, sheet: Sheet) -> None:
    """Reads a top-level statement that is not a zone."""
    word = text.split(maxsplit=1)[0]
    if word == "include":
        sheet.leave_out("another file: give it as a [[list]] of its own", text)
    elif text.endswith("{"):
        sheet.leave_out("a statement that names no zone", text)
    elif text.strip("};"):
        sheet.ignore("no zone statement", text)
