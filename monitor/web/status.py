"""The figures of the status page: taken from the same samples as `/metrics`, so that the two cannot differ.

They contain no device, address or domain, whatever `[privacy]` allows, because any client of the port can read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

UNKNOWN: Final = "unknown"
ROWS_MAX: Final = 25

Numbers: TypeAlias = Mapping[str, Mapping[tuple[str, ...], float]]


@dataclass(frozen=True)
class InterfaceLine:
    name: str
    frames: float
    dropped: float


@dataclass(frozen=True)
class BanLine:
    """The state of a ban. `state` is one of `policy.ban_conditions.STATES`, `why` its reason; `until` 0: no end.

    `blocked` counts by layer what the ban blocked, or in shadow mode would have blocked, and `leaked` the bytes that
    passed, both since the ban started at `since`. `next_change` has the time and `starts` or `ends`; `allow` is the
    number of allowed names, and `notes` state what the ban leaves open.
    """

    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    mode: str
    layers: tuple[str, ...]
    until: float
    reason: str
    state: str
    at_run_time: bool
    why: str = ""
    since: float = 0.0
    blocked: Mapping[str, float] = field(default_factory=dict)
    leaked: float = 0.0
    schedule: str = ""
    next_change: tuple[float, str] | None = None
    allow: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListLine:
    name: str
    entries: int
    ignored: int
    loaded_at: float
    error: str
    shipped: bool


@dataclass(frozen=True)
class Facts:
    """What only the daemon knows. `counting` names the source of byte counts, `paused_until` -1: until `resume`.

    `degraded` has faults by topic although every component works.
    """

    host: str
    version: str
    engine: str
    started: float
    now: float
    counting: str
    health: Mapping[str, str]
    paused_until: float
    bans: tuple[BanLine, ...]
    exceptions: int
    lists: tuple[ListLine, ...]
    degraded: Mapping[str, str] = field(default_factory=dict)


@dataclass
class VendorUsage:
    """The bytes exchanged with a vendor, or by a group; `parts` are those of its services, or of its vendors."""

    name: str
    up: float = 0.0
    down: float = 0.0
    devices: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def bytes(self) -> float:
        return self.up + self.down

    def add(self, part: str, direction: str, value: float) -> None:
        if direction == "up":
            self.up += value
        else:
            self.down += value
        if part != UNKNOWN:
            self.parts[part] = self.parts.get(part, 0.0) + value


def interfaces(numbers: Numbers) -> list[InterfaceLine]:
    names = sorted(numbers.get("capture_packets_total", {}))
    return [
        InterfaceLine(
            key[0],
            numbers["capture_packets_total"][key],
            numbers.get("capture_dropped_packets_total", {}).get(key, 0.0),
        )
        for key in names
    ]


def vendors(numbers: Numbers) -> list[VendorUsage]:
    """Returns the usage by vendor, most bytes first, unidentified traffic last."""
    found: dict[str, VendorUsage] = {}
    for (vendor, service, _, direction, _), value in numbers.get("flow_bytes_total", {}).items():
        found.setdefault(vendor, VendorUsage(vendor)).add(service, direction, value)
    for (vendor, _), count in numbers.get("devices", {}).items():
        found.setdefault(vendor, VendorUsage(vendor)).devices += count
    return sorted(found.values(), key=lambda usage: (usage.name == UNKNOWN, -usage.bytes, usage.name))


def groups(numbers: Numbers) -> list[VendorUsage]:
    """Returns the usage by group, most bytes first."""
    found: dict[str, VendorUsage] = {}
    for (vendor, _, group, direction, _), value in numbers.get("flow_bytes_total", {}).items():
        found.setdefault(group, VendorUsage(group)).add(vendor, direction, value)
    for (group,), count in numbers.get("group_devices", {}).items():
        found.setdefault(group, VendorUsage(group)).devices = count
    return sorted(found.values(), key=lambda usage: (-usage.bytes, usage.name))


def unnamed_bytes(numbers: Numbers) -> float:
    """Returns the bytes of flows that belong to no vendor of the catalogue."""
    return sum(value for labels, value in numbers.get("flow_bytes_total", {}).items() if labels[0] == UNKNOWN)


def hidden_bytes(numbers: Numbers) -> dict[str, float]:
    """Returns the bytes of flows without a readable name, by reason, most first."""
    found: dict[str, float] = {}
    for (_, reason), value in numbers.get("blind_bytes_total", {}).items():
        found[reason] = found.get(reason, 0.0) + value
    return {reason: found[reason] for reason in sorted(found, key=lambda one: (-found[one], one)) if found[reason]}


def total(numbers: Numbers, name: str) -> float:
    return sum(numbers.get(name, {}).values())
