"""One AS number a line, with or without `AS` and quotation marks; whatever follows it is a comment."""

from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet

# The head line of a table.
HEAD: Final = "ASN,"


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if not is_comment(text) and not text.upper().startswith(HEAD):
        words = text.replace(",", " ").replace(";", " ").split()
        sheet.asn(words[0].strip('"') if words else text)
