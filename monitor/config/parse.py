"""Parses a configuration's files or text into a `Config`, or raises all of its errors at once."""

from collections.abc import Sequence

from monitor.config.faults import ConfigFaults
from monitor.config.files import File, parsed, read_files
from monitor.config.merge import Merged
from monitor.config.readers import read_config
from monitor.config.sections import Config
from monitor.config.table import Table


def load(path: str) -> Config:
    """Reads a file and `conf.d/*.toml` beside it. Raises `ConfigError` with one line per error."""
    return _build(read_files(path), path)


def parse(text: str, path: str) -> Config:
    """Parses a text. `path` appears in errors, and relative paths in the text are relative to its folder."""
    return _build([parsed(text, path)], path)


def _build(files: Sequence[File], path: str) -> Config:
    merged = Merged(files)
    complaints = ConfigFaults(merged)
    complaints.found += merged.faults
    config = read_config(Table(merged.values, (), complaints), path, merged.hash)
    complaints.raise_all()
    return config
