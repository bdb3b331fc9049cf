"""The configuration that a verb uses, from `--config` or from the default path."""

from typing import Final

from monitor.cli.client import ask
from monitor.cli.paths import CONFIG_PATH
from monitor.config.files import is_there
from monitor.config.parse import load
from monitor.config.sections import Config
from monitor.errors import GatewatchError

STATUS_SECONDS: Final = 3.0
NO_FILE: Final = "defaults"


def read_config(named: str | None) -> Config:
    """Reads the named file, else the file at the default path, else uses the defaults. Raises `ConfigError`."""
    if named is not None:
        return load(named)
    return load(CONFIG_PATH) if is_there(CONFIG_PATH) else Config()


def watched_by_daemon(path: str) -> tuple[str, ...]:
    """Returns the interfaces that a daemon with this configuration watches; empty if no such daemon answers."""
    try:
        status = ask("status", {}, seconds=STATUS_SECONDS)
        return tuple(row["interface"] for row in status["interfaces"]) if status["config"] in (path, NO_FILE) else ()
    except (GatewatchError, KeyError, TypeError):
        return ()
