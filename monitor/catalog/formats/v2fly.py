"""v2fly's domain lists (https://github.com/v2fly/domain-list-community): `domain:`, bare names and `full:`.

Keywords and expressions cannot be said with names. An `include:` names another file, which is not followed.
"""

from monitor.catalog.formats.comments import without_comment
from monitor.catalog.sheet import Sheet


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    words = text.split()
    if not words:
        return
    for attribute in words[1:]:
        if attribute[0] not in "@&":
            sheet.ignore("more than a rule and its attributes", text)
            return
    kind, colon, value = words[0].partition(":")
    if not colon:
        sheet.suffix(words[0])
    elif kind == "domain":
        sheet.suffix(value)
    elif kind == "full":
        sheet.exact(value)
    elif kind == "include":
        sheet.ignore("another list: give it as a [[list]] of its own", text)
    else:
        sheet.ignore("a keyword or an expression, not a whole name", text)
