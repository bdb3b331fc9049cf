"""The configuration that a verb works with, from `--config` or from its place."""

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
    """The named file, else the one in its place, else the defaults. Raises `ConfigError`."""
    if named is not None:
        return load(named)
    return load(CONFIG_PATH) if is_there(CONFIG_PATH) else Config()


def watched_by_daemon(path: str) -> tuple[str, ...]:
    """The interfaces that a daemon with this configuration watches; none where no such daemon answers."""
    try:
        status = ask("status", {}, seconds=STATUS_SECONDS)
        return tuple(row["interface"] for row in status["interfaces"]) if status["config"] in (path, NO_FILE) else ()
    except (GatewatchError, KeyError, TypeError):
        return ()
