"""Where things lie on a Linux system unless somebody says otherwise."""

from typing import Final

CONFIG_PATH: Final = "/etc/gatewatch/gatewatch.toml"
