"""One name a line, for itself and everything below it; `*.name` and `.name` mean the same."""

from monitor.catalog.formats.comments import is_comment, without_comment
from monitor.catalog.sheet import Sheet


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if is_comment(text):
        return
    if text.startswith("*."):
        sheet.suffix(text[2:])
    elif text.startswith("."):
        sheet.suffix(text[1:])
    else:
        sheet.suffix(text)
