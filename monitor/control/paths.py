"""Where the daemon's own files lie while it runs."""

import os
from typing import Final

RUNTIME_FOLDER: Final = "/run/gatewatch"
SOCKET_NAME: Final = "control.sock"


def socket_path() -> str:
    """Systemd tells the runtime directory of its units; everybody else finds it in its place."""
    return os.path.join(os.environ.get("RUNTIME_DIRECTORY", RUNTIME_FOLDER), SOCKET_NAME)
