"""A file or a text to a `Config`, or to every complaint about it."""

import hashlib
import tomllib
from pathlib import Path

from monitor.config.complaints import Complaint, Complaints, ConfigErrors
from monitor.config.lines import KeyLines
from monitor.config.readers import read_config
from monitor.config.sections import Config
from monitor.config.table import Table
from monitor.errors import ConfigError
from monitor.lists.refusal import refusal


def load(path: str) -> Config:
    """Reads a file; raises `ConfigError` with one line for each thing that is wrong in it."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # some editors put a mark before it
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {refusal(error)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 at byte {error.start}") from None
    return parse(text, path)


def parse(text: str, path: str) -> Config:
    """Reads a text; `path` is for the complaints, and what relative paths in it are relative to."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigErrors([_syntax(text, path, str(error))]) from None
    complaints = Complaints(path, KeyLines(text))
    config = read_config(Table(values, (), complaints), path, hashlib.sha256(text.encode()).hexdigest()[:16])
    complaints.raise_all()
    return config


def _syntax(text: str, path: str, message: str) -> Complaint:
    """`tomllib` ends its message with the place; a complaint begins with it."""
    what, _, place = message.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if len(words) == 4 and words[0] == "line":
        return Complaint(path, int(words[1]), f"not TOML: {what[:1].lower()}{what[1:]}, column {words[3]}")
    return Complaint(path, text.count("\n") + 1, f"not TOML: {(what or message).lower()}, {place.rstrip(')')}")
