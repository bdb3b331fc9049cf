"""One AS number a line, with or without `AS`; whatever follows it is a comment."""

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if not is_comment(text):
        words = text.replace(",", " ").replace(";", " ").split()
        sheet.asn(words[0] if words else text)
