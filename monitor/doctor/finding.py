"""Defines a finding: a fault and its fix."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fault: `what` is its text, `mend` the command or the line of configuration that fixes it.

    `missing` marks a missing privilege or kernel feature, without which a part of gatewatch cannot work.
    """

    topic: str
    what: str
    mend: str
    missing: bool = False
