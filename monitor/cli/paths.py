"""Default paths."""

from typing import Final

CONFIG_PATH: Final = "/etc/gatewatch/gatewatch.toml"
