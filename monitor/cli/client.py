"""Asks the running daemon: one JSON line there, one JSON line back, over its Unix socket."""

import json
import socket
from typing import Any, Final

from monitor.daemon.places import socket_path
from monitor.errors import EXIT_USAGE, GatewatchError, MachineError, UsageError

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
        raise NoDaemon(f"no daemon answers at {path}; `gatewatch run` starts one") from None
    except PermissionError:
        raise MachineError(f"no permission for {path}: it is for the daemon's user and group only") from None
    except TimeoutError:
        raise GatewatchError(f"the daemon at {path} did not answer within {seconds:.0f} s") from None
    except OSError as error:
        raise GatewatchError(f"the daemon at {path} cannot be asked: {error.strerror or error}") from None
    return _result(answer, path)


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
