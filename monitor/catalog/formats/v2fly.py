"""Reads v2fly's domain lists (https://github.com/v2fly/domain-list-community): `domain:`, bare names and `full:`.

Keywords and expressions cannot be expressed as names. An `include:` names another file, which is not read.
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
        sheet.suffix(without_attributes(value))
    elif kind == "full":
        sheet.exact(without_attributes(value))
    elif kind == "include":
        sheet.leave_out("another list: give it as a [[list]] of its own", text)
    elif kind in ("keyword", "regexp"):
        sheet.leave_out("a keyword or an expression, not a whole name", text)
    else:
        sheet.ignore("an unknown kind of rule", text)


def without_attributes(value: str) -> str:
    """Returns the rule without attributes. The compiled lists write `domain:name:@ads,@cn`."""
    return value.partition(":@")[0]
