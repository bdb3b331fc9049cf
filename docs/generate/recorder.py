"""Which keys the configuration has and of which kind each is: recorded while the daemon's own readers ask for them.

`Recorder` stands in for the table of a file that sets nothing. Every key is asked for once, by the method of its kind,
and what a reader complains of in an empty table is a key without a default.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from monitor.config.faults import KeyPath
from monitor.config.readers import read_config
from monitor.config.table import Table

T = TypeVar("T")
DURATION: Final = r"^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+)$"
SIZE: Final = r"^ *[0-9]+ ?(B|[kKMG]B|[KMG]|[KMG]iB)? *$"
TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT}
# What each function that reads a value accepts. One that is not here reads any string.
PARSERS: Final[dict[str, dict[str, Any]]] = {
    "duration": {**TEXT, "pattern": DURATION},
    "_pause": {**TEXT, "pattern": DURATION},
    "endpoint": {**TEXT, "pattern": r"^$|:[0-9]{1,5}$"},
    "moment": {**TEXT, "$comment": "date or date with time"},  # a validator sees a TOML date as a string
    "schedule": {"anyOf": [TEXT, {**TEXTS, "minItems": 1}]},
    "_upstream": {"anyOf": [{"enum": ["asked", "system"]}, {**TEXTS, "minItems": 1}]},
}


@dataclass
class Recorded:
    """The schema of each key, the keys that must be there, and the sections below."""

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    sections: dict[str, "Recorded"] = field(default_factory=dict)
    arrays: dict[str, "Recorded"] = field(default_factory=dict)


def record() -> Recorded:
    """What the readers ask for."""
    top = Recorder(Recorded())
    read_config(top, "gatewatch.toml", "")
    return top.recorded


class Recorder(Table):
    """A table that has no key. What it is asked for goes to `recorded`."""

    def __init__(self, recorded: Recorded) -> None:
        self.path: KeyPath = ()
        self.recorded = recorded
        self._values: dict[str, object] = {}

    def finish(self) -> None:
        pass

    def complain(self, key: str, text: str) -> None:
        if key:
            self.recorded.required.append(key)

    def complain_at(self, path: KeyPath, text: str) -> None:
        pass

    def table(self, key: str) -> Table:
        return Recorder(self.recorded.sections.setdefault(key, Recorded()))

    def tables(self, key: str) -> list[Table]:
        return [Recorder(self.recorded.arrays.setdefault(key, Recorded()))]

    def texts(self, key: str, inner: str) -> list[str]:
        return [""]

    def parsed(self, key: str, default: T, parse: Callable[[str], T], required: bool = False) -> T:
        schema = PARSERS.get(parse.__name__, TEXT)
        self.recorded.keys[key] = {**schema, "minLength": 1} if required else schema
        if required:
            self.recorded.required.append(key)
        return default

    def parsed_list(self, key: str, default: tuple[T, ...], parse: Callable[[str], T]) -> tuple[T, ...]:
        self.recorded.keys[key] = TEXTS
        return default

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        self.recorded.keys[key] = {"enum": list(choices)}
        return default

    def choices(self, key: str, default: tuple[str, ...], choices: Sequence[str]) -> tuple[str, ...]:
        self.recorded.keys[key] = {"type": "array", "items": {"enum": list(choices)}}
        return default

    def flag(self, key: str, default: bool) -> bool:
        self.recorded.keys[key] = {"type": "boolean"}
        return default

    def count(self, key: str, default: int, least: int = 0, most: int | None = None) -> int:
        maximum = {} if most is None else {"maximum": most}
        self.recorded.keys[key] = {"type": "integer", "minimum": least, **maximum}
        return default

    def number(self, key: str, default: float) -> float:
        self.recorded.keys[key] = {"type": "number", "exclusiveMinimum": 0}
        return default

    def size(self, key: str, default: int, parse: Callable[[str], int], least: int = 1) -> int:
        self.recorded.keys[key] = {
            "anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": SIZE}],
        }
        return default

    def any(self, key: str, default: T, parse: Callable[[object], T]) -> T:
        self.recorded.keys[key] = PARSERS[parse.__name__]
        return default
