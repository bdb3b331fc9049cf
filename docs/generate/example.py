"""The configuration example, systemd/gatewatch.toml, as data: each section and key with its comment and default.

The example is what explains the keys; `tests/config/test_config_example.py` keeps it complete and its values the
defaults. A section that may come several times is behind `#` there, and its comments behind `##`.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "systemd" / "gatewatch.toml"
# Of the sections that may come several times, those whose values in the example are defaults.
WITH_DEFAULTS: Final = ("ban", "list")
_HEAD: Final = re.compile(r"^(#?)(\[{1,2})([a-z0-9_]+)\]{1,2}$")
_KEY: Final = re.compile(r"^(?:##?)?([a-z0-9_]+) = (.+)$")


@dataclass
class Key:
    """`default` is written as in the file."""

    name: str
    default: str
    text: str


@dataclass
class Section:
    """`is_array` for `[[name]]`, which may come several times."""

    name: str
    is_array: bool
    text: str
    keys: list[Key] = field(default_factory=list)


def sections() -> list[Section]:
    """Every section in the order of the file. Comments that end with an empty comment line are the section's."""
    found: list[Section] = []
    comment: list[str] = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if head := _HEAD.match(line):
            found.append(Section(head[3], head[2] == "[[", " ".join(comment)))
            comment = []
        elif (key := _KEY.match(line)) and found:
            text = " ".join(comment) or (found[-1].keys[-1].text if found[-1].keys else "")
            found[-1].keys.append(Key(key[1], key[2], text))
            comment = []
        elif line in ("#", "##") and found and not found[-1].keys:
            found[-1].text = " ".join(comment)
            comment = []
        elif line.startswith("#"):
            comment.append(line.lstrip("#").strip())
        else:
            comment = []
    return found


def has_default(section: Section, key: str, required: list[str]) -> bool:
    """Whether the value in the example is the default, and not just an example."""
    return not section.is_array or (section.name in WITH_DEFAULTS and key not in required)


def values() -> dict[str, Any]:
    """The example as a TOML reader sees it, with the sections and keys behind `#` taken into use."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE))
