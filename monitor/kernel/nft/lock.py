"""The enforcement lock: one per network namespace, held by the process that manages the table."""

import errno
import socket
from typing import Final

from monitor.errors import MachineError

LOCK: Final = "\0gatewatch/enforcer"


def take_lock() -> socket.socket:
    """Binds an abstract socket name, which one process of the network namespace can hold until it exits."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(LOCK)
    except OSError as error:
        lock.close()
        if error.errno == errno.EADDRINUSE:
            raise MachineError("another gatewatch enforces in this network namespace already") from error
        raise MachineError(f"enforcement: {error.strerror}") from error
    return lock
