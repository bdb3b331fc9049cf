"""Reads plain rule sets: Surge, Shadowrocket, Loon, Quantumult X, and Clash's text form.

A line is a rule (`DOMAIN-SUFFIX,name`). In files that are sets of names or prefixes, it is a name or prefix.
"""

import re
from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.formats.rule import read_name, read_rule
from monitor.catalog.sheet import Sheet

# The header of a section, such as `[Rule]`.
SECTION: Final = re.compile(r"\[[A-Za-z][\w ]*\]")


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line).split(" //", 1)[0].rstrip()
    if is_comment(text) or SECTION.fullmatch(text):
        return
    if "," in text:
        read_rule(text, sheet)
    else:
        read_name(text, sheet)
