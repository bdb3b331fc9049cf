"""A configuration's files or a text to a `Config`, or to every complaint about it."""

from collections.abc import Sequence

from monitor.config.faults import ConfigFaults
from monitor.config.files import File, parsed, read_files
from monitor.config.merge import Merged
from monitor.config.readers import read_config
from monitor.config.sections import Config
from monitor.config.table import Table


def load(path: str) -> Config:
    """Reads a file and `conf.d/*.toml` beside it; raises `ConfigError` with one line for each thing that is wrong."""
    return _build(read_files(path), path)


def parse(text: str, path: str) -> Config:
    """Reads a text; `path` is for the complaints, and what relative paths in it are relative to."""
    return _build([parsed(text, path)], path)


def _build(files: Sequence[File], path: str) -> Config:
    merged = Merged(files)
    complaints = ConfigFaults(merged)
    complaints.found += merged.faults
    config = read_config(Table(merged.values, (), complaints), path, merged.hash)
    complaints.raise_all()
    return config
