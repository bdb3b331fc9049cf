"""Bans and exceptions as data."""

from dataclasses import dataclass
from typing import Final

from monitor.catalog.entry import CATEGORY_MARK
from monitor.policy.schedule import ALWAYS, Schedule

OBSERVE: Final = "observe"
SHADOW: Final = "shadow"
ENFORCE: Final = "enforce"
MODES: Final = (OBSERVE, SHADOW, ENFORCE)

DNS: Final = "dns"
SNI: Final = "sni"
IP: Final = "ip"
LAYERS: Final = (DNS, SNI, IP)

OPEN: Final = "open"
CLOSED: Final = "closed"

COUNT: Final = "count"
REJECT: Final = "reject"
KEEP: Final = "keep"
STRIP: Final = "strip"

CONFIGURED: Final = "config"
RUNTIME: Final = "runtime"

# The group label of a ban without a group.
EVERYONE: Final = "all"


@dataclass(frozen=True)
class Subject:
    """What a ban applies to: a vendor, one service of a vendor, or a category. The other fields are empty."""

    vendor: str = ""
    service: str = ""
    category: str = ""

    def __str__(self) -> str:
        if self.category:
            return CATEGORY_MARK + self.category
        return f"{self.vendor}/{self.service}" if self.service else self.vendor


def parse_subject(text: str) -> Subject:
    """Parses `vendor`, `vendor/service` or `category:name`, the form of the configuration and of `str(Subject)`."""
    if text.startswith(CATEGORY_MARK):
        return Subject(category=text[len(CATEGORY_MARK) :])
    vendor, _, service = text.partition("/")
    return Subject(vendor, service)


@dataclass(frozen=True)
class Ban:
    """Devices in `groups` may not reach `subjects`; without groups, no device may. `groups` are group words.

    `id` is unique among all bans and consists of a-z, 0-9, `.`, `_` and `-`, because names of kernel sets contain it.
    `allow` are names that stay reachable, each with all names below it. `protect`: the built-in protected names stay
    reachable too. `until` is in seconds since the epoch, 0: no end. `source` is `config` or `runtime`. A ban that is
    not `enabled` is in no policy: the configuration keeps it for later.
    """

    id: str
    subjects: tuple[Subject, ...]
    groups: tuple[str, ...] = ()
    mode: str = OBSERVE
    layers: frozenset[str] = frozenset(LAYERS)
    schedule: Schedule = ALWAYS
    on_failure: str = OPEN
    reason: str = ""
    allow: tuple[bytes, ...] = ()
    blind: str = COUNT
    ech: str = KEEP
    until: float = 0.0
    source: str = CONFIGURED
    protect: bool = True
    enabled: bool = True


@dataclass(frozen=True)
class Exemption:
    """Lets a device, a group or a prefix reach one name (with all names below it) or one vendor despite all bans.

    `device` is a packed MAC or address, and only this MAC or address is exempt; `prefix` likewise. Exactly one of
    `device`, `group` and `prefix` is set. `until` is in seconds since the epoch, 0: no end.
    """

    device: bytes = b""
    name: bytes = b""
    vendor: str = ""
    until: float = 0.0
    reason: str = ""
    group: str = ""
    prefix: str = ""

    def is_broad(self) -> bool:
        """Whether the exception may apply to more than one device."""
        return bool(self.group or self.prefix)


def is_over(until: float, now: float) -> bool:
    """Whether a ban or exception with this end time has ended."""
    return 0.0 < until <= now
