"""Configuration errors, each with its file and line; all are reported at once."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Protocol, TypeAlias

from monitor.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class ConfigFault:
    """One error: `file:line: description`; line 0 means the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {one_line(self.text)}"


def one_line(text: str) -> str:
    """Escapes characters that would break the line or move the cursor: `a\\nb` for two lines."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


class ConfigErrors(ConfigError):
    """All errors of one configuration, in the order of its lines."""

    def __init__(self, complaints: list[ConfigFault]) -> None:
        self.complaints = sorted(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


class SourceLines(Protocol):
    """Finds a key's file, its line there (0: none), and its path in that file."""

    def place(self, path: KeyPath) -> tuple[str, int, KeyPath]: ...


class ConfigFaults:
    """Collects errors while sections are read, and finds their files and lines."""

    def __init__(self, places: SourceLines) -> None:
        self._places = places
        self.found: list[ConfigFault] = []

    def add(self, path: KeyPath, text: str) -> None:
        file, line, own = self._places.place(path)
        self.found.append(ConfigFault(file, line, f"{dotted(own)}: {text}"))

    def unknown(self, path: KeyPath, known: list[str]) -> None:
        """Adds an error that suggests the most similar known key, so that a typo never passes as a default."""
        file, line, own = self._places.place(path)
        *parent, key = own
        where = f"in [{dotted(tuple(parent))}]" if parent else "at the top"
        near = nearest(str(key), known)
        hint = f", the nearest is '{near}'" if near else f", known are {', '.join(sorted(known))}"
        self.found.append(ConfigFault(file, line, f"unknown key '{key}' {where}{hint}"))

    def raise_all(self) -> None:
        if self.found:
            raise ConfigErrors(self.found)


def nearest(word: str, known: list[str]) -> str:
    """Returns the known word most similar to `word`, `""` if none is similar."""
    matches = get_close_matches(word, known, n=1, cutoff=0.5)
    return matches[0] if matches else ""


EVERYONE: Final = ("all", "any", "everybody", "everyone", "*")


def no_group(name: str, known: list[str]) -> str:
    """Returns an error text for an unknown group: the most similar group, all groups, or how to specify everyone."""
    if name in EVERYONE:
        return f"no group is called '{name}': leave --group out for everyone"
    near = nearest(name, known)
    if near:
        return f"no group '{name}', the nearest is '{near}'"
    if known:
        return f"no group '{name}', there are {', '.join(known)}"
    return f"no group '{name}', for the configuration has no [[group]]"


def dotted(path: KeyPath) -> str:
    """Returns the path as text with numbers from 1: `("ban", 1, "mode")` becomes `ban 2.mode`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f" {part + 1}"
        else:
            text += f".{part}" if text else part
    return text
