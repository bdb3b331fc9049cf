"""A flow that is to be cut, as the kernel needs it."""

from dataclasses import dataclass

from monitor.core.effects import Kill
from monitor.policy.ban import CLOSED


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


def cut(kill: Kill) -> Cut:
    sequence = kill.acknowledgment if kill.acknowledgment > 0 else None
    return Cut(kill.key, sequence, kill.on_failure == CLOSED, kill.ban.encode())
