"""Reads unbound.conf(5): `local-zone: "name" type` for the name and its subdomains, `local-data:` for
the name alone.
"""

from typing import Final

from monitor.catalog.formats.comments import without_comment
from monitor.catalog.sheet import Sheet

# Zone types that answer instead of the name's owner; the others only modify `local-data`.
ANSWERING: Final = frozenset(
    (
        "always_deny", "always_nodata", "always_null", "always_nxdomain", "always_refuse", "deny", "inform_deny",
        "inform_redirect", "redirect", "refuse", "static",
    )
)  # fmt: skip
PASSING: Final = frozenset(("always_transparent", "inform", "nodefault", "transparent", "typetransparent"))
CLAUSES: Final = frozenset(("server", "view", "remote-control", "forward-zone", "stub-zone"))


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    option, colon, value = text.partition(":")
    words = value.replace('"', " ").replace("'", " ").split()
    if not text or (colon and not words and option in CLAUSES):
        return
    if option == "local-zone" and len(words) == 2 and words[1] in ANSWERING:
        sheet.suffix(words[0])
    elif option == "local-zone" and len(words) == 2 and words[1] in PASSING:
        return
    elif option == "local-zone" and len(words) == 2:
        sheet.ignore(f"a local-zone of the unknown type {words[1]}", text)
    elif option == "local-data" and len(words) >= 3:
        sheet.exact(words[0])
    else:
        sheet.ignore("neither local-zone nor local-data", text)
