"""Reads AS numbers: one per line, with or without `AS` and quotation marks, or several with `AS`; the rest is a
comment.
"""

from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet

# The header of a table.
HEAD: Final = "ASN,"


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if is_comment(text) or text.upper().startswith(HEAD):
        return
    words = [word.strip('"') for word in text.replace(",", " ").replace(";", " ").split()]
    sheet.asn(words[0] if words else text)
    for word in words[1:]:
        if not (is_marked(words[0]) and is_marked(word)):
            break
        sheet.asn(word)


def is_marked(word: str) -> bool:
    """Whether the line has `AS` and a number."""
    return word[:2].upper() == "AS" and word[2:].isascii() and word[2:].isdigit()
