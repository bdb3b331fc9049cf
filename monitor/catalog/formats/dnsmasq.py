"""Reads dnsmasq.conf(5): `address=/name/…`, `server=/name/…` and similar options, for the name and its subdomains."""

from typing import Final

from monitor.catalog.formats.comments import without_comment
from monitor.catalog.sheet import Sheet

NAMING: Final = frozenset(("address", "ipset", "local", "nftset", "server"))
# In these options `#` after the names stands for the default servers: an exception.
FORWARDING: Final = frozenset(("local", "server"))


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
    elif option in FORWARDING and parts[-1].strip() == "#":
        sheet.leave_out("an exception: use allow or [[exception]] in the configuration", text)
    else:
        for name in parts[1:-1]:
            read_name(name, text, sheet)


def read_name(name: str, text: str, sheet: Sheet) -> None:
    bare = name[2:] if name.startswith("*.") else name.removeprefix(".")
    if bare in ("", "#") or "*" in bare:
        sheet.leave_out("a wildcard, not a name", text)
    else:
        sheet.suffix(bare)
