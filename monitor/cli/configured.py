"""The configuration that a verb works with, from `--config` or from its place."""

from monitor.cli.places import CONFIG_PATH
from monitor.config.files import is_there
from monitor.config.parse import load
from monitor.config.sections import Config


def read_config(named: str | None) -> Config:
    """The named file, else the one in its place, else the defaults. Raises `ConfigError`."""
    if named is not None:
        return load(named)
    return load(CONFIG_PATH) if is_there(CONFIG_PATH) else Config()
