"""What bans depend on beside their own keys, and the states that follow."""

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

# Where a mistake is: a key of `[[ban]]`, or what is outside of it.
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
    """What bans depend on.

    `members` are those of each group. `seen` are the groups with a device seen in the last hour, None where nothing is
    known of devices. `pending` are the subjects of subscriptions without a copy, and `broken` those of lists that
    cannot be used, each with a line about its list. `faults` has for each layer that is down the reason. `unknown` are
    the subjects that no list knows, each with a line that may name what is meant. `protected` are names that no ban
    touches, beside the built-in ones.
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
    """A state with its reason; `key` is where a mistake is."""

    state: str
    reason: str = ""
    key: str = ""


FINE: Final = Outcome(EFFECTIVE)
