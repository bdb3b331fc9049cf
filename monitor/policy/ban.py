"""Bans and exceptions: what an administrator wants, as data."""

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

# The label of a ban without a group.
EVERYONE: Final = "all"


@dataclass(frozen=True)
class Subject:
    """What a ban is about: a vendor, one service of it, or a category. The other fields are empty."""

    vendor: str = ""
    service: str = ""
    category: str = ""

    def __str__(self) -> str:
        if self.category:
            return CATEGORY_MARK + self.category
        return f"{self.vendor}/{self.service}" if self.service else self.vendor


def parse_subject(text: str) -> Subject:
    """`vendor`, `vendor/service` or `category:name`, as the configuration and `str(Subject)` write it."""
    if text.startswith(CATEGORY_MARK):
        return Subject(category=text[len(CATEGORY_MARK) :])
    vendor, _, service = text.partition("/")
    return Subject(vendor, service)


@dataclass(frozen=True)
class Ban:
    """`groups` may not reach `subjects`; without a group nobody may. Each is a word as `group_words.py` has them.

    `id` is unique among all bans and made of a-z, 0-9, `.`, `_` and `-`: names of kernel sets are made of it. `allow`
    are names that stay reachable, each with all below it. `protect`: the built-in protected names stay reachable too.
    `until` is in seconds since the epoch, 0: no end. `source` is `config` or `runtime`. A ban that is not `enabled`
    belongs to no policy: the configuration keeps it for later.
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
    """A device, a group or a prefix may reach one name (and all below it) or one vendor in spite of every ban.

    `device` is a MAC or an address, packed, and means exactly that, as does `prefix`; one of the three is given.
    `until` is in seconds since the epoch, 0: no end.
    """

    device: bytes = b""
    name: bytes = b""
    vendor: str = ""
    until: float = 0.0
    reason: str = ""
    group: str = ""
    prefix: str = ""

    def is_broad(self) -> bool:
        """Whether it is for more than one device."""
        return bool(self.group or self.prefix)


def is_over(until: float, now: float) -> bool:
    """Whether a ban or exception with this end has ended."""
    return 0.0 < until <= now
