"""Finds the files of a configuration: the named one, then `conf.d/*.toml` beside it, sorted by name."""

import os
import tomllib
from dataclasses import dataclass
from typing import Final

from monitor.config.faults import ConfigErrors, ConfigFault
from monitor.errors import ConfigError
from monitor.lists.refusal import refusal

PARTS_FOLDER: Final = "conf.d"
ENDING: Final = ".toml"


@dataclass(frozen=True)
class File:
    """The text of one file, and its values as read by `tomllib`."""

    path: str
    text: str
    values: dict[str, object]


def part_paths(path: str) -> list[str]:
    """Returns the files of conf.d beside the configuration `path`. Raises ConfigError if the folder is unreadable."""
    folder = os.path.join(os.path.dirname(path), PARTS_FOLDER)
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {refusal(error)}") from None
    return [os.path.join(folder, name) for name in sorted(names) if name.endswith(ENDING) and name[0] != "."]


def written_paths(path: str) -> list[str]:
    """Returns all paths that determine the configuration: its files, and the conf.d folder beside `path`."""
    parts = part_paths(path)
    folder = [os.path.dirname(parts[0])] if parts else []
    return [*([path] if os.path.exists(path) else []), *folder, *parts]


def is_there(path: str) -> bool:
    """Whether there is anything to load: the file, or files in conf.d beside it."""
    return os.path.exists(path) or bool(part_paths(path))


def read_files(path: str) -> list[File]:
    """Reads all files of the configuration, in order. Raises ConfigError with a line for each unreadable file.

    The file `path` itself may be missing if conf.d has files.
    """
    parts = part_paths(path)
    paths = [path, *parts] if os.path.exists(path) or not parts else parts
    files: list[File] = []
    faults: list[ConfigFault] = []
    for one in paths:
        try:
            files.append(parsed(_text(one), one))
        except ConfigErrors as error:
            faults += error.complaints
    if faults:
        raise ConfigErrors(faults)
    return files


def parsed(text: str, path: str) -> File:
    """Parses the text. Raises ConfigErrors if it is not TOML."""
    try:
        return File(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigErrors([_syntax(text, path, str(error))]) from None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")  # some editors write a byte order mark
    except OSError as error:
        raise ConfigErrors([ConfigFault(path, 0, f"cannot be read: {refusal(error)}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigErrors([ConfigFault(path, 0, f"is not UTF-8 at byte {error.start}: save it in UTF-8")]) from None


def _syntax(text: str, path: str, message: str) -> ConfigFault:
    """Converts a message of `tomllib`, which ends with the position, to a fault with line and column."""
    what, _, place = message.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if len(words) == 4 and words[0] == "line":
        return ConfigFault(path, int(words[1]), f"not TOML: {what[:1].lower()}{what[1:]}, column {words[3]}")
    return ConfigFault(path, text.count("\n") + 1, f"not TOML: {(what or message).lower()}, {place.rstrip(')')}")
