"""Conditions that bans depend on beside their own keys, and the possible states of a ban."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from monitor.catalog.index import Index

EFFECTIVE: Final = "effective"
IDLE: Final = "idle"
WAITING: Final = "waiting"
INEFFECTIVE: Final = "ineffective"
OFF: Final = "off"
STATES: Final = (EFFECTIVE, IDLE, WAITING, INEFFECTIVE, OFF)

# The location of a mistake: a key of `[[ban]]`, or something outside of it.
VENDORS: Final = "vendors"
GROUPS: Final = "groups"
LAYERS_KEY: Final = "layers"
SCHEDULE: Final = "schedule"
UNTIL: Final = "until"
ALLOW: Final = "allow"
UNKNOWN: Final = "unknown"
ENFORCEMENT: Final = "enforcement"


@dataclass(frozen=True)
class Conditions:
    """Conditions that bans depend on.

    `members` are the members of each group. `seen` are the groups with a device seen in the last hour, or None if
    devices are unknown. `pending` are the subjects of subscriptions that were not fetched yet, `broken` those of
    unusable lists, each with a line about its list. `faults` maps each layer that is down to the reason. `unknown` are
    the subjects that no list contains, each with a line that may suggest candidates. `protected` are names that no ban
    blocks, in addition to the built-in ones.
    """

    index: Index
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: frozenset[str] | None = None
    pending: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    protected: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A state with its reason; `key` is the location of a mistake."""

    state: str
    reason: str = ""
    key: str = ""


FINE: Final = Outcome(EFFECTIVE)
