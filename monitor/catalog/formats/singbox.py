"""Reads rule sets of sing-box in the source format, versions 1 to 4
(https://sing-box.sagernet.org/configuration/rule-set/source-format/).

`domain` is exact, `domain_suffix` a suffix, `ip_cidr` a prefix. A rule matches if any of these and all of its other
conditions match (headless rule). Rules with other conditions, inverted rules and rules of mode `and` are left out,
because a ban of all their names would cover more than the rule. `.name` in `domain_suffix` includes the name itself, as
in every format.

This format is not line-based: the text is read as a whole, up to MOST_CHARACTERS and MOST_BRACKETS, because a parsed
document takes several times the memory of its text.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, final

from monitor.catalog.sheet import Sheet

NAME: Final = "sing-box"
MOST_CHARACTERS: Final = 33_554_432
MOST_BRACKETS: Final = 200_000
VERSIONS: Final = (1, 2, 3, 4)
# The keys that match a destination; the first three give entries.
EXACT: Final = "domain"
SUFFIX: Final = "domain_suffix"
PREFIX: Final = "ip_cidr"
PATTERNS: Final = ("domain_keyword", "domain_regex")
DESTINATIONS: Final = (EXACT, SUFFIX, PREFIX, *PATTERNS)
# Other keys that do not narrow a rule.
HARMLESS: Final = ("type", "invert")
LOGICAL: Final = "logical"
DEEPEST: Final = 16
# Limit of all searches for the lines of values, as a multiple of the text.
SEARCHED: Final = 4


def looks_so(sample: str) -> bool:
    """Whether the beginning of a file is that of a JSON object."""
    return sample.lstrip("\ufeff \t\r\n").startswith("{")


def read_document(pieces: Iterator[str], sheet: Sheet, max_entries: int) -> None:
    """Reads the rules of one document into `sheet`. `pieces` are the text, cut anywhere."""
    parts: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_CHARACTERS:
            sheet.ignore(f"a JSON document of more than {MOST_CHARACTERS} characters: nothing is read", "")
            return
        parts.append(piece)
    text = "".join(parts).lstrip("\ufeff")
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        sheet.ignore(f"a JSON document of more than {MOST_BRACKETS} arrays and objects: nothing is read", "")
        return
    sheet.line = 1
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        sheet.line = error.lineno
        sheet.ignore(f"not JSON: {error.msg}", " ".join(text[max(0, error.pos - 40) : error.pos + 40].split()))
        return
    except (RecursionError, ValueError):
        sheet.ignore("JSON that rule sets do not need: too deep, or a number too long", "")
        return
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list):
        sheet.ignore('not a sing-box rule set: there is no array "rules"', text[:80])
        return
    if document.get("version") not in VERSIONS:
        sheet.warn(f"a version that is not one of {', '.join(map(str, VERSIONS))}", f"{document.get('version')}"[:80])
    RuleReader(text, sheet, max_entries).read_all(rules, 0)


@final
class RuleReader:
    """Reads the rules in the order of the text, so that each value's line is found after the line of the
    previous one.
    """

    __slots__ = ("_at", "_left", "_max_entries", "_sheet", "_text")

    def __init__(self, text: str, sheet: Sheet, max_entries: int) -> None:
        self._text = text
        self._sheet = sheet
        self._max_entries = max_entries
        self._at = 0
        self._left = SEARCHED * len(text)

    def read_all(self, rules: list[Any], depth: int) -> None:
        for rule in rules:
            if not isinstance(rule, dict):
                self._sheet.ignore("a rule that is not an object", str(rule)[:80])
            elif rule.get("type") == LOGICAL:
                self._read_logical(rule, depth)
            else:
                self._read_rule(rule)

    def _read_logical(self, rule: dict[str, Any], depth: int) -> None:
        inner = rule.get("rules")
        self._seek(LOGICAL)
        if not isinstance(inner, list) or depth >= DEEPEST:
            self._sheet.ignore("a logical rule without rules, or too deep", "")
        elif rule.get("mode") == "or" and not rule.get("invert"):
            self.read_all(inner, depth + 1)
        else:
            self._sheet.leave_out("a logical rule that applies to a part of its names", str(rule.get("mode"))[:80])

    def _read_rule(self, rule: dict[str, Any]) -> None:
        conditions = [str(key) for key in rule if key not in DESTINATIONS and key not in HARMLESS]
        if rule.get("invert"):
            conditions.append("invert")
        if conditions:
            self._seek(conditions[0])
            self._sheet.leave_out("a rule that applies to a part of its names", conditions[0][:80])
            return
        for key, values in rule.items():
            if key in HARMLESS:
                continue
            for value in values if isinstance(values, list) else [values]:
                self._read_value(str(key), value)

    def _read_value(self, key: str, value: object) -> None:
        sheet = self._sheet
        if sheet.entries >= self._max_entries:
            if not sheet.within:
                sheet.within = 1
                sheet.ignore(f"more than max_entries ({self._max_entries}): the rest is not read", "")
            return
        if not isinstance(value, str):
            sheet.ignore(f"{key} must be text", str(value)[:80])
            return
        self._seek(value)
        if key in PATTERNS:
            sheet.leave_out("a keyword or an expression, not a whole name", value[:80])
        elif key == EXACT:
            sheet.exact(value)
        elif key == SUFFIX:
            sheet.suffix(value.removeprefix("."))
        else:
            sheet.prefix(value)

    def _seek(self, value: str) -> None:
        """Advances to the line that contains the value; does not move if the text writes the value in another way."""
        if self._left <= 0:
            return
        at = self._text.find(json.dumps(value, ensure_ascii=False), self._at)
        self._left -= (at if at >= 0 else len(self._text)) - self._at
        if at >= 0:
            self._sheet.line += self._text.count("\n", self._at, at)
            self._at = at
