"""Reads adblock filters that name whole domains (https://adguard-dns.io/kb/general/dns-filtering-syntax/).

`||name^` is the name and its subdomains, `|name^` and a bare name the name alone; lines of a hosts file may be mixed
in. Rules about parts of pages, paths or expressions cannot be expressed as names, and exceptions belong in the
configuration: both become complaints.
"""

import re
from typing import Final

from monitor.catalog.formats import hosts
from monitor.catalog.prefix import may_be_address, parse_address, parse_prefix
from monitor.catalog.sheet import Sheet

COSMETIC: Final = ("##", "#@#", "#?#", "#$#", "#%#")
# With these options a rule still blocks the whole name.
HARMLESS: Final = frozenset(("all", "document", "doc", "important", "popup", "third-party", "3p"))
# A comment after a rule has a blank on both sides of its mark; a rule about parts of a page has none.
TAIL: Final = re.compile(r"\s+[#!]\s.*")
SCHEMES: Final = ("http://", "https://", "://")


def read_line(line: str, sheet: Sheet) -> None:
    text = line.strip()
    if is_silent(text):
        return
    if " " in text:
        text = TAIL.sub("", text)
    words = text.split(maxsplit=1)
    if len(words) > 1 and parse_address(words[0]) is not None:
        hosts.read_line(text, sheet)
        return
    fault = fault_of(text)
    if fault:
        sheet.leave_out(fault, text)
        return
    pattern = text.partition("$")[0].strip()
    below = pattern.startswith("||")
    name = pattern.lstrip("|")
    for scheme in SCHEMES:
        name = name.removeprefix(scheme)
    name = name.rstrip("|").removesuffix("^")
    if name.startswith(("*.", ".")):
        below = True
        name = name.lstrip("*")[1:]
    if " " in name:
        sheet.ignore("a pattern, not a whole name", text)
    elif "/" in name and not parse_prefix(name)[2]:
        sheet.prefix(name)
    elif "/" in name or "*" in name or "^" in name:
        sheet.leave_out("a pattern, not a whole name", text)
    elif may_be_address(name) and parse_address(name) is not None:
        sheet.prefix(name)
    elif below:
        sheet.suffix(name)
    else:
        sheet.exact(name)


def is_marked(line: str) -> bool:
    """Whether the line has a form that plain lists of names never have: without such lines, bare names
    are no filters.
    """
    text = line.strip()
    if is_filter(text):
        return True
    words = text.split(maxsplit=1)
    return len(words) > 1 and parse_address(words[0]) is not None


def is_filter(text: str) -> bool:
    """Whether the line has a form that only filter lists have."""
    return text.startswith(("|", "@@")) or text.endswith("^") or any(mark in text for mark in COSMETIC)


def is_silent(text: str) -> bool:
    """Whether the line has no content: empty, a comment, or the head of the list. `##` and similar marks are no
    comments.
    """
    if not text or text[0] == "!" or (text[0] == "[" and text[-1] == "]"):
        return True
    return text[0] == "#" and not text.startswith(COSMETIC)


def fault_of(text: str) -> str:
    """Returns why the rule cannot be an entry, `""` if it can."""
    if text.startswith("@@"):
        return "an exception: use allow or [[exception]] in the configuration"
    if any(mark in text for mark in COSMETIC):
        return "about parts of a page, not about a name"
    if text.startswith("/"):
        return "an expression, not a whole name"
    for option in text.partition("$")[2].split(",") if "$" in text else []:
        if option.strip() not in HARMLESS:
            return f"an option that a name cannot have: {option.strip()}"
    return ""
