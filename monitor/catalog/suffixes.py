"""Reads the public suffix list: names under which anybody can register, which no list may claim as a whole.

Format and algorithm: https://github.com/publicsuffix/list/wiki/Format. A suffix of the ICANN part is refused as an
entry; one of the private part (a hosting company's own domain) is accepted with a complaint.
"""

from collections.abc import Iterable
from typing import Final, final

from monitor.catalog.domain import to_ascii

NO_SUFFIX: Final = 0
PRIVATE_SUFFIX: Final = 1
ICANN_SUFFIX: Final = 2

ICANN_BEGINS: Final = "===BEGIN ICANN DOMAINS==="
ICANN_ENDS: Final = "===END ICANN DOMAINS==="


@final
class PublicSuffixes:
    """Plain rules and wildcards (by the name after `*.`), each with its part (ICANN or private), and exceptions."""

    __slots__ = ("_exceptions", "_plain", "_wildcards")

    def __init__(self, lines: Iterable[str]) -> None:
        self._plain: dict[bytes, int] = {}
        self._wildcards: dict[bytes, int] = {}
        self._exceptions: set[bytes] = set()
        part = PRIVATE_SUFFIX
        for line in lines:
            if ICANN_BEGINS in line:
                part = ICANN_SUFFIX
            elif ICANN_ENDS in line:
                part = PRIVATE_SUFFIX
            rule = line.split(maxsplit=1)[0] if line.strip() else ""
            if rule and not rule.startswith("//"):
                self._add(rule, part)

    def _add(self, rule: str, part: int) -> None:
        name = to_ascii(rule.lstrip("!*."))[0].lower().encode("ascii")
        if rule.startswith("!"):
            self._exceptions.add(name)
        elif rule.startswith("*."):
            self._wildcards[name] = part
        else:
            self._plain[name] = part

    def is_rule(self, name: bytes) -> bool:
        """Whether the list contains the name itself, not only a rule that covers it."""
        return name in self._plain

    def part_of(self, name: bytes) -> int:
        """Returns ICANN_SUFFIX, PRIVATE_SUFFIX or NO_SUFFIX: whether the whole name is a public suffix.

        A lone label is always a public suffix (the list's default rule), and so is the name below a wildcard.
        """
        part = self._plain.get(name, NO_SUFFIX)
        if part != NO_SUFFIX:
            return part
        dot = name.find(b".")
        if dot < 0:
            return ICANN_SUFFIX
        if name in self._wildcards:
            return self._wildcards[name]
        if name in self._exceptions:
            return NO_SUFFIX
        return self._wildcards.get(name[dot + 1 :], NO_SUFFIX)
