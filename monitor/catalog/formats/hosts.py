"""Reads hosts(5): an address, then names. Every name is an exact entry.

`*.name` and `.name`, which resolvers do not read in a hosts file, include the subdomains, as in every other format.
"""

from typing import Final

from monitor.catalog.formats.comments import is_comment, without_comment, without_tail
from monitor.catalog.prefix import parse_address
from monitor.catalog.sheet import Sheet

# Short lists write `0` for `0.0.0.0` (inet_aton(3)).
SINKS: Final = frozenset(("0", "0.0.0.0", "127.0.0.1", "::", "::1"))
# Names of the machine for which such files were written.
LOCAL: Final = frozenset(
    (
        "0.0.0.0", "broadcasthost", "ip6-allhosts", "ip6-allnodes", "ip6-allrouters", "ip6-localhost", "ip6-localnet",
        "ip6-loopback", "ip6-mcastprefix", "local", "localhost", "localhost.localdomain", "localhost4", "localhost6",
    )
)  # fmt: skip


def read_line(line: str, sheet: Sheet) -> None:
    text = without_tail(without_comment(line))
    if is_comment(text):
        return
    words = text.split()
    if words[0] not in SINKS and parse_address(words[0].partition("%")[0]) is None:
        sheet.ignore("no address in front", text)
        return
    if len(words) == 1:
        sheet.ignore("an address without a name", text)
    for name in words[1:]:
        if name.startswith(("*.", ".")):
            sheet.suffix(name.lstrip("*")[1:])
        elif name.lower() not in LOCAL:
            sheet.exact(name)
