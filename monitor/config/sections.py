"""All sections and keys of the configuration with their defaults. The shipped example explains each default.

Groups, bans, exceptions and the sinkhole use the types of the modules that process them; `readers.py` builds these.
Subjects of bans and exceptions are stored as written in the file until `targets.py` resolves them. Prefixes are
`ipaddress` objects here, at the edge; `settings.py` converts them to text for the core.
"""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from monitor.attribution.networks import DEFAULT_LOCAL
from monitor.config.values import Endpoint, Prefix
from monitor.core.settings import CONNTRACK, FULL, NONE, PACKETS, PSEUDONYM
from monitor.limits import Limits
from monitor.policy.ban import Ban, Exemption
from monitor.policy.groups import Group
from monitor.sinkhole.settings import SinkholeSettings

EVENT_TYPES: Final = ("dns", "tls", "quic", "flow", "dhcp", "verdict", "policy")
FLOW_SOURCES: Final = (CONNTRACK, PACKETS)
DEVICE_DETAIL: Final = (FULL, PSEUDONYM, NONE)
LIST_FORMATS: Final = (
    "auto", "hosts", "domains", "adblock", "dnsmasq", "unbound", "rpz", "bind", "v2fly", "clash", "surge", "sing-box",
    "csv", "cidr", "asn",
)  # fmt: skip

SKIP: Final = "skip"
SUFFIX_CHOICES: Final = ("refuse", SKIP)

LISTEN: Final = Endpoint("127.0.0.1", 10053)
LOCAL_PREFIXES: Final = tuple(ip_network(text) for text in DEFAULT_LOCAL)


@dataclass(frozen=True)
class CaptureSection:
    """If `interfaces` is empty, the daemon chooses them, never one of `exclude`, and logs its choice."""

    interfaces: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    local: tuple[Prefix, ...] = LOCAL_PREFIXES
    flows: str = CONNTRACK
    nat64: tuple[Prefix, ...] = ()


@dataclass(frozen=True)
class Metrics:
    listen: Endpoint = LISTEN


@dataclass(frozen=True)
class ListSource:
    """A user list. `url` is https or `file:` (a subscription, which is fetched), or a file path.

    `interval` and `timeout` are in seconds.
    """

    name: str
    url: str
    format: str = "auto"
    vendor: str = ""
    interval: float = 86_400.0
    sha256: str = ""
    minisign: str = ""
    public_suffixes: str = SKIP
    timeout: float = 120.0
    max_bytes: int = 67_108_864
    max_entries: int = 2_000_000


@dataclass(frozen=True)
class GeoSection:
    """Paths of MMDB files, `""`: none."""

    asn: str = ""
    country: str = ""


@dataclass(frozen=True)
class Events:
    """EVE output. An empty `path` disables it, `-` is standard output."""

    path: str = ""
    types: tuple[str, ...] = EVENT_TYPES
    max_bytes: int = 104_857_600
    keep: int = 5


@dataclass(frozen=True)
class StateSection:
    """State directory. `journal_max_bytes` = 0 disables the journal."""

    path: str = "/var/lib/gatewatch"
    journal_max_bytes: int = 268_435_456


@dataclass(frozen=True)
class Privacy:
    retention_days: int = 30
    device: str = FULL


@dataclass(frozen=True)
class Protect:
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selftest:
    """`every` is in seconds, 0: never."""

    every: float = 0.0


@dataclass(frozen=True)
class Config:
    """A whole configuration. `path` and `hash` identify its origin and are ignored in comparisons."""

    capture: CaptureSection = CaptureSection()
    metrics: Metrics = Metrics()
    groups: tuple[Group, ...] = ()
    bans: tuple[Ban, ...] = ()
    exceptions: tuple[Exemption, ...] = ()
    sinkhole: SinkholeSettings = field(default_factory=SinkholeSettings)
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
