"""dnsmasq.conf(5): `address=/name/…`, `server=/name/…` and their like, for the name and everything below it."""

from typing import Final

from monitor.catalog.formats.comments import without_comment
from monitor.catalog.sheet import Sheet

NAMING: Final = frozenset(("address", "ipset", "local", "nftset", "server"))


def read_line(line: str, sheet: Sheet) -> None:
    text = without_comment(line)
    if not text:
        return
    option, equals, value = text.removeprefix("--").partition("=")
    option = option.strip()
    parts = value.strip().split("/")
    if equals and option == "host-record":
        sheet.exact(parts[0].split(",")[0].strip())
    elif not equals or option not in NAMING or len(parts) < 3 or parts[0]:
        sheet.ignore("not an option that names domains", text)
    else:
        for name in parts[1:-1]:
            read_name(name, text, sheet)


def read_name(name: str, text: str, sheet: Sheet) -> None:
    if name in ("", "#") or "*" in name:
        sheet.leave_out("a wildcard, not a name", text)
    else:
        sheet.suffix(name.removeprefix("."))
