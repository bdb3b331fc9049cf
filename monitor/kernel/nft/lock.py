"""The lock that there is one of in a network namespace: whoever has it may hold the table."""

import errno
import socket
from typing import Final

from monitor.errors import MachineError

LOCK: Final = "\0gatewatch/enforcer"


def take_lock() -> socket.socket:
    """A name that only one process of the network namespace can have, and loses when it ends."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(LOCK)
    except OSError as error:
        lock.close()
        if error.errno == errno.EADDRINUSE:
            raise MachineError("another gatewatch enforces in this network namespace already") from error
        raise MachineError(f"enforcement: {error.strerror}") from error
    return lock
