"""A flow that is to be cut, as the kernel needs it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """A flow to end, `key` from client to server.

    `sequence` is the acknowledgment number that the client sent last, what its reset must carry; without one
    (`None`) it is asked for it, and what it answers is reset by the rules. `closed`: its ban holds without the daemon
    too. `name` is what it was cut for.
    """

    key: bytes
    sequence: int | None = None
    closed: bool = False
    name: bytes = b""
