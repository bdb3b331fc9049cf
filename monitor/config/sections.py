"""Every section and key of the configuration, with its default. The shipped example says why each is so.

Addresses are `ipaddress` objects here, at the edge; `settings.py` packs them for the core.
"""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from monitor.attribution.networks import DEFAULT_LOCAL
from monitor.config.values import Address, Endpoint, Prefix
from monitor.limits import Limits
from monitor.policy.schedule import ALWAYS, Schedule

EVENT_TYPES: Final = ("dns", "tls", "quic", "flow", "dhcp", "verdict", "policy")
FLOW_SOURCES: Final = ("conntrack", "packets")
BAN_MODES: Final = ("observe", "shadow", "enforce")
BAN_LAYERS: Final = ("dns", "sni", "ip")
DEVICE_DETAIL: Final = ("full", "pseudonym", "none")
LIST_FORMATS: Final = (
    "auto", "hosts", "domains", "adblock", "dnsmasq", "unbound", "rpz", "bind", "v2fly", "clash", "surge", "sing-box",
    "csv", "cidr", "asn",
)  # fmt: skip

SUFFIX_CHOICES: Final = ("refuse", "skip")

LISTEN: Final = Endpoint("127.0.0.1", 10053)
LOCAL_PREFIXES: Final = tuple(ip_network(text) for text in DEFAULT_LOCAL)


@dataclass(frozen=True)
class CaptureSection:
    """`interfaces`: none means that the daemon picks them, never one of `exclude`, and says which."""

    interfaces: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    local: tuple[Prefix, ...] = LOCAL_PREFIXES
    flows: str = "conntrack"
    nat64: tuple[Prefix, ...] = ()


@dataclass(frozen=True)
class Metrics:
    listen: Endpoint = LISTEN


@dataclass(frozen=True)
class Group:
    """`members`: MAC addresses, addresses, prefixes, `host:` patterns and `iface:` names; those behind a `!` are
    never in the group.
    """

    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ban:
    """`vendors`: `vendor`, `vendor/service` or `category:name`; no group means everyone, one behind a `!` is left out.
    A ban that is not `enabled` has no effect. Without `protect` it covers the built-in protected names too.
    """

    vendors: tuple[str, ...]
    groups: tuple[str, ...] = ()
    mode: str = "observe"
    layers: tuple[str, ...] = BAN_LAYERS
    schedule: Schedule = ALWAYS
    on_failure: str = "open"
    reason: str = ""
    allow: tuple[str, ...] = ()
    blind: str = "count"
    ech: str = "keep"
    enabled: bool = True
    protect: bool = True


@dataclass(frozen=True)
class Exemption:
    """An `[[exception]]`: a device, a group or a prefix may reach one name or vendor; `until` in seconds since the
    epoch, 0: no end.
    """

    device: str = ""
    group: str = ""
    prefix: str = ""
    name: str = ""
    vendor: str = ""
    until: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Sinkhole:
    """`answer` is a word or an address; `upstream` is empty for the resolver that the client chose.

    `page` and `contact` are for the page at that address.
    """

    answer: str = "nxdomain"
    page: bool = True
    contact: str = ""
    ttl: int = 10
    upstream: str | tuple[Address, ...] = "asked"
    exempt: tuple[Address, ...] = ()


@dataclass(frozen=True)
class ListSource:
    """A user list: `url` is https or `file:` (a subscription, which is fetched), or a file's path.

    `interval` and `timeout` in seconds.
    """

    name: str
    url: str
    format: str = "auto"
    vendor: str = ""
    interval: float = 86_400.0
    sha256: str = ""
    minisign: str = ""
    public_suffixes: str = "skip"
    timeout: float = 120.0
    max_bytes: int = 67_108_864
    max_entries: int = 2_000_000


@dataclass(frozen=True)
class GeoSection:
    """MMDB files, `""`: none."""

    asn: str = ""
    country: str = ""


@dataclass(frozen=True)
class Events:
    """EVE lines: `path` `""` writes none, `-` to standard output."""

    path: str = ""
    types: tuple[str, ...] = EVENT_TYPES
    max_bytes: int = 104_857_600
    keep: int = 5


@dataclass(frozen=True)
class StateSection:
    """`journal_max_bytes` 0: no journal."""

    path: str = "/var/lib/gatewatch"
    journal_max_bytes: int = 268_435_456


@dataclass(frozen=True)
class Privacy:
    retention_days: int = 30
    device: str = "full"


@dataclass(frozen=True)
class Protect:
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selftest:
    """`every` in seconds, 0: never."""

    every: float = 0.0


@dataclass(frozen=True)
class Config:
    """A whole configuration; `path` and `hash` tell where it came from and count for no comparison."""

    capture: CaptureSection = CaptureSection()
    metrics: Metrics = Metrics()
    groups: tuple[Group, ...] = ()
    bans: tuple[Ban, ...] = ()
    exceptions: tuple[Exemption, ...] = ()
    sinkhole: Sinkhole = Sinkhole()
    lists: tuple[ListSource, ...] = ()
    geo: GeoSection = GeoSection()
    events: Events = Events()
    state: StateSection = StateSection()
    privacy: Privacy = Privacy()
    protect: Protect = Protect()
    selftest: Selftest = Selftest()
    limits: Limits = field(default_factory=Limits)
    path: str = field(default="", compare=False)
    hash: str = field(default="defaults", compare=False)
