"""What a look found wrong, and what mends it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `what` for a person, `mend` the command or the line of configuration.

    `missing` says that a privilege or a feature of the kernel is not there: whatever needs it cannot work.
    """

    topic: str
    what: str
    mend: str
    missing: bool = False
