"""Finds the line of each key in a TOML text, which `tomllib` does not report.

The text has already been accepted by `tomllib`, so this parser can be simple: it knows headers, keys, strings, comments
and brackets, and ignores values.
"""

import re
from typing import Final

_KEY_PART: Final = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')(?:\s*(\.))?""")
_VALUE_PART: Final = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[\[\]{}\n]|[^"'\#\[\]{}\n]+''',
    re.DOTALL,
)
_BLANK: Final = re.compile(r"(?:\s+|#[^\n]*)*")


class KeyLines:
    """Line numbers, from 1, of tables and keys. Arrays of tables count from 0, as in the parsed data."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._arrays: dict[tuple[str | int, ...], int] = {}
        self._scan(text)

    def line(self, path: tuple[str | int, ...]) -> int:
        """Returns the line of a key, or of the nearest enclosing table that has one; 0 if there is none."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def _scan(self, text: str) -> None:
        table: tuple[str | int, ...] = ()
        at = line = 0
        while True:
            blank = _BLANK.match(text, at)
            at, start = (blank.end() if blank else at), at
            line += text.count("\n", start, at)
            if at >= len(text):
                return
            start = at
            if text[at] == "[":
                array = text.startswith("[[", at)
                parts, at = _key(text, at + 1 + array)
                table = self._enter(parts, array)
                at = text.index("]", at) + 1 + array
                self._lines.setdefault(table, line + 1)
                if array:
                    self._lines.setdefault(table[:-1], line + 1)  # an array has the line of its first table
            else:
                parts, at = _key(text, at)
                self._lines[self._resolve(table, parts)] = line + 1
                at = _after_value(text, at + 1)
            line += text.count("\n", start, at)

    def _enter(self, parts: list[str], array: bool) -> tuple[str | int, ...]:
        if not array:
            return self._resolve((), parts)
        path = (*self._resolve((), parts[:-1]), parts[-1])
        self._arrays[path] = self._arrays.get(path, 0) + 1
        return (*path, self._arrays[path] - 1)

    def _resolve(self, table: tuple[str | int, ...], parts: list[str]) -> tuple[str | int, ...]:
        """Returns the full path of a key below a table; the name of an array of tables refers to its last element."""
        path = table
        for part in parts:
            path = (*path, part)
            if path in self._arrays:
                path = (*path, self._arrays[path] - 1)
        return path


def _key(text: str, at: int) -> tuple[list[str], int]:
    """Returns the parts of the dotted key at `at`, and the position after it."""
    parts = []
    while match := _KEY_PART.match(text, at):
        bare, basic, literal, dot = match.groups()
        parts.append(bare or basic or literal or "")
        at = match.end()
        if not dot:
            break
    return parts, at


def _after_value(text: str, at: int) -> int:
    """Returns the end of the value that starts at `at`: the first line end outside brackets and strings."""
    depth = 0
    while match := _VALUE_PART.match(text, at):
        part = match.group()
        if part == "\n" and depth <= 0:
            return at
        depth += (part in "[{") - (part in "]}") if len(part) == 1 else 0
        at = match.end()
    return max(at, text.find("\n", at), 0) if at < len(text) else len(text)
