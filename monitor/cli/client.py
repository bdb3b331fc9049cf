"""Sends a request to the running daemon over its Unix socket: one JSON line each way."""

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
    """No daemon answers at the control socket."""


def ask(verb: str, arguments: dict[str, object], seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Returns the daemon's result. Waits at most `seconds`.

    Raises `NoDaemon` if no daemon runs, `GatewatchError` if the daemon refuses, `UsageError` if it rejects the
    request as invalid, `MachineError` if permission is missing.
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
        raise MachineError(f"permission denied for {path}: only the daemon's user and group may use it") from None
    except TimeoutError:
        raise GatewatchError(f"the daemon at {path} did not answer within {seconds:.0f} s") from None
    except OSError as error:
        raise GatewatchError(f"cannot send the request to the daemon at {path}: {error.strerror or error}") from None
    return _result(answer, path)


def starting_command(runs: str = SYSTEMD_RUNS, folders: Sequence[str] = UNIT_FOLDERS) -> str:
    """The command that starts the daemon: the service if systemd runs (sd_booted(3)) and a folder contains the unit."""
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
        raise kind(str(reply["error"]))
    except (ValueError, KeyError, TypeError):
        raise GatewatchError(f"the daemon at {path} closed the connection without an answer") from None
