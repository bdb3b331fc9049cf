"""Typed access to a TOML table: each key is read with a type, and mismatches are reported with their line.

An invalid value is replaced by its default, so that reading continues and all errors are reported at once. Keys that
are never read are unknown keys.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import inf
from typing import Final, TypeVar

from monitor.config.faults import ConfigFaults, KeyPath, nearest

T = TypeVar("T")

_KINDS: Final[dict[type, str]] = {
    bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "a table",
    datetime: "a date with time", date: "a date",
}  # fmt: skip


class Table:
    """One table of the file. `required` keys have no default."""

    def __init__(self, values: dict[str, object], path: KeyPath, complaints: ConfigFaults) -> None:
        self.path = path
        self._values = values
        self._complaints = complaints
        self._known: list[str] = []

    def finish(self) -> None:
        """Reports the keys that were not read."""
        for key in self._values:
            if key not in self._known:
                self._complaints.unknown((*self.path, key), self._known)

    def complain(self, key: str, text: str) -> None:
        self._complaints.add((*self.path, key) if key else self.path, text)

    def complain_at(self, path: KeyPath, text: str) -> None:
        """Reports an error like `complain`, for a key of a nested table."""
        self._complaints.add((*self.path, *path), text)

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str, required: bool = False) -> str:
        return self.parsed(key, default, str, required)

    def parsed(self, key: str, default: T, parse: Callable[[str], T], required: bool = False) -> T:
        """Returns a string, converted by `parse`."""
        value = self._typed(key, str)
        if value is None or (required and not value):
            if required and (not self.has(key) or value == ""):
                self.complain(key, "is needed here")
            return default
        return self._convert(key, value, default, parse)

    def parsed_list(self, key: str, default: tuple[T, ...], parse: Callable[[str], T]) -> tuple[T, ...]:
        """Returns a list of strings, each converted by `parse`. Invalid ones are reported, valid ones are kept."""
        value = self._typed(key, list)
        if value is None:
            return default
        found: list[T] = []
        for entry in value:
            if not isinstance(entry, str):
                self.complain(key, f"expected a list of strings, got {kind_of(entry)} in it")
                continue
            try:
                found.append(parse(entry))
            except ValueError as error:
                self.complain(key, str(error))
        return tuple(found)

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        return self.parsed(key, default, lambda text: chosen(text, choices))

    def choices(self, key: str, default: tuple[str, ...], choices: Sequence[str]) -> tuple[str, ...]:
        return self.parsed_list(key, default, lambda text: chosen(text, choices))

    def flag(self, key: str, default: bool) -> bool:
        value = self._typed(key, bool)
        return default if value is None else value

    def count(self, key: str, default: int, least: int = 0, most: int | None = None) -> int:
        value = self._typed(key, int)
        if value is not None and value < least:
            self.complain(key, f"expected {least} or more, got {value}")
            return default
        if value is not None and most is not None and value > most:
            self.complain(key, f"expected {most} or less, got {value}")
            return default
        return default if value is None else value

    def number(self, key: str, default: float) -> float:
        value = self._typed(key, float)
        if value is not None and not 0 < value < inf:
            self.complain(key, f"expected a number above 0, got {value}")
            return default
        return default if value is None else value

    def size(self, key: str, default: int, parse: Callable[[str], int], least: int = 1) -> int:
        """Returns a number of bytes, given as an integer or as a string such as `64MiB`."""
        value = self._values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.count(key, default, least)
        return self.parsed(key, default, parse)

    def any(self, key: str, default: T, parse: Callable[[object], T]) -> T:
        """Returns a value of any type, converted by `parse`."""
        self._known.append(key)
        return self._convert(key, self._values[key], default, parse) if key in self._values else default

    def tables(self, key: str) -> list["Table"]:
        """Returns the tables of an array of tables."""
        self._known.append(key)
        value = self._values.get(key, [])
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            return [Table(entry, (*self.path, key, at), self._complaints) for at, entry in enumerate(value)]
        self.complain(key, f"expected [[{key}]] tables, got {kind_of(value)}")
        return []

    def texts(self, key: str, inner: str) -> list[str]:
        """Returns the value of `inner` in each table of an array, `""` if it is not a string."""
        tables = self._values.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(entry, dict) for entry in tables):
            return []
        return [value if isinstance(value := entry.get(inner), str) else "" for entry in tables]

    def table(self, key: str) -> "Table":
        """Returns a nested table, empty if it is absent."""
        self._known.append(key)
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            self.complain(key, f"expected a table [{key}], got {kind_of(value)}")
            value = {}
        return Table(value, (*self.path, key), self._complaints)

    def _typed(self, key: str, kind: type[T]) -> T | None:
        """Returns the value of `key`; if its type differs, reports an error and returns None. A bool is no integer."""
        self._known.append(key)
        value = self._values.get(key)
        if value is None:
            return None
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            hint = f': write ["{value}"]' if kind is list and isinstance(value, str) and value.isprintable() else ""
            self.complain(key, f"expected {_KINDS[kind]}, got {kind_of(value)}{hint}")
            return None
        return value

    def _convert(self, key: str, value: object, default: T, parse: Callable[..., T]) -> T:
        try:
            return parse(value)
        except ValueError as error:
            self.complain(key, str(error))
            return default


def chosen(text: str, choices: Sequence[str]) -> str:
    if text in choices:
        return text
    near = nearest(text, list(choices))
    hint = f", '{near}' may be meant" if near else ""
    raise ValueError(f"expected {' or '.join(choices)}, got '{text}'{hint}")


def kind_of(value: object) -> str:
    """Returns a readable name of the value's type."""
    return _KINDS.get(type(value), type(value).__name__)
