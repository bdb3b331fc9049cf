"""Paths of the daemon's own runtime files."""

import os
from typing import Final

RUNTIME_FOLDER: Final = "/run/gatewatch"
SOCKET_NAME: Final = "control.sock"


def socket_path() -> str:
    """Returns the path of the control socket: in systemd's runtime directory, else in the default one."""
    return os.path.join(os.environ.get("RUNTIME_DIRECTORY", RUNTIME_FOLDER), SOCKET_NAME)
