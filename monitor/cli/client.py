"""Asks the running daemon: one JSON line there, one JSON line back, over its Unix socket."""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any, Final

from monitor.control.paths import socket_path
from monitor.errors import EXIT_USAGE, GatewatchError, MachineError, UsageError

UNIT: Final = "gatewatch.service"
UNIT_FOLDERS: Final = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
SYSTEMD_RUNS: Final = "/run/systemd/system"
TIMEOUT_SECONDS: Final = 10.0
CHUNK_BYTES: Final = 65_536


class NoDaemon(GatewatchError):
    """None runs that could be asked."""


def ask(verb: str, arguments: dict[str, object], seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """The daemon's result, within `seconds`.

    `NoDaemon` if none runs, `GatewatchError` if it refuses, `UsageError` if it calls the request wrong,
    `MachineError` without permission.
    """
    path = socket_path()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(path)
            connection.sendall(json.dumps({"verb": verb, "args": arguments}).encode() + b"\n")
            answer = _line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoDaemon(f"no daemon answers at {path}; `{starting_command()}` starts one") from None
    except PermissionError:
        raise MachineError(f"no permission for {path}: it is for the daemon's user and group only") from None
    except TimeoutError:
        raise GatewatchError(f"the daemon at {path} did not answer within {seconds:.0f} s") from None
    except OSError as error:
        raise GatewatchError(f"the daemon at {path} cannot be asked: {error.strerror or error}") from None
    return _result(answer, path)


def starting_command(runs: str = SYSTEMD_RUNS, folders: Sequence[str] = UNIT_FOLDERS) -> str:
    """What starts the daemon here: the service if systemd runs (sd_booted(3)) and one of the folders has the unit."""
    installed = any(os.path.exists(os.path.join(folder, UNIT)) for folder in folders)
    return "systemctl start gatewatch" if installed and os.path.isdir(runs) else "gatewatch run"


def _line(connection: socket.socket) -> bytes:
    parts = []
    while chunk := connection.recv(CHUNK_BYTES):
        parts.append(chunk)
        if chunk.endswith(b"\n"):
            break
    return b"".join(parts)


def _result(answer: bytes, path: str) -> dict[str, Any]:
    try:
        reply = json.loads(answer)
        if reply["ok"]:
            result: dict[str, Any] = reply["result"]
            return result
        kind = UsageError if reply.get("code") == EXIT_USAGE else GatewatchError
        raise kind(f"the daemon says: {reply['error']}")
    except (ValueError, KeyError, TypeError):
        raise GatewatchError(f"the daemon at {path} closed without an answer") from None
