"""Reads rule sets of Clash and mihomo, YAML or text (https://wiki.metacubex.one/en/config/rule-providers/content/), of
the behaviours `domain`, `ipcidr` and `classical`.

Of YAML it reads the subset in such files: the key `payload` (or `rules`) and below it one plain or quoted scalar per
line. The file is read line by line, so each complaint has its line, memory does not grow with the file, and there are
no anchors or tags to expand. PyYAML's CSafeLoader, which expands aliases, needs several times the time and hundreds of
megabytes for a million entries: `bench/lists.py` measures both.
"""

import re
from typing import Final

from monitor.catalog.formats import surge
from monitor.catalog.sheet import Sheet

KEYS: Final = frozenset(("payload", "rules"))
KEY: Final = re.compile(r"""["']?([A-Za-z][\w-]*)["']?:(?:\s*\[\])?(?:\s+#.*)?$""")
# Indicators that start anything but a scalar (YAML 1.2 section 5.3); a `*` before a dot is a wildcard.
INDICATORS: Final = "&!{}[]|>@`%"
# A flow sequence (YAML 1.2 section 7.4); no published rule set has one.
FLOW: Final = re.compile(r"""["']?(?:payload|rules)["']?:\s*\[.+""")
NO_KEY: Final = "items without the key payload: a name is read alone; '+.name' is the name with all below it"


def read_line(line: str, sheet: Sheet) -> None:
    text = line.strip()
    if not text or text[0] == "#" or text in ("---", "...", "-"):
        return
    if text.startswith("- "):
        read_item(text, sheet)
        return
    key = KEY.match(text)
    if FLOW.match(text):
        sheet.leave_out("a list in one line of YAML: write one item per line, each after a hyphen", text)
    elif key is not None:
        read_key(key.group(1), text, sheet)
    elif sheet.section:
        sheet.ignore("neither a key nor an item of a list", text)
    else:
        surge.read_line(text, sheet)


def read_key(key: str, text: str, sheet: Sheet) -> None:
    sheet.section = key
    if sheet.section not in KEYS:
        sheet.ignore("a key that rule sets do not have: the items below it are not read", text)


def read_item(text: str, sheet: Sheet) -> None:
    if sheet.section and sheet.section not in KEYS:
        return
    value = text[2:].strip()
    if value[0] in INDICATORS or (value[0] == "*" and not value.startswith("*.")):
        sheet.ignore("YAML that rule sets do not need: write one plain or quoted text per item", text)
        return
    if value[0] in "'\"":
        scalar, fault = unquoted(value)
        if fault:
            sheet.ignore(fault, text)
            return
        value = scalar
    if not sheet.section and not sheet.origin:
        sheet.origin = "warned"
        sheet.warn(NO_KEY, text)
    surge.read_line(value, sheet)


def unquoted(value: str) -> tuple[str, str]:
    """Returns the text in the quotes, or `""` and the fault. Names and rules need no escapes."""
    mark = value[0]
    end = value.find(mark, 1)
    rest = value[end + 1 :].strip() if end > 0 else ""
    if end < 0 or (rest and rest[0] != "#") or "\\" in value[:end]:
        return "", "a quotation without its end, or with an escape"
    return value[1:end], ""
