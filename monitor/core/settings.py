"""What the core gets from outside: frozen pictures of the configuration and of enforcement, and one callable that
looks things up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from monitor.attribution.networks import DEFAULT_LOCAL
from monitor.limits import Limits
from monitor.policy.groups import Group

# A packed address to its AS number (0: unknown) and its ISO 3166 country code ("": unknown).
Lookup: TypeAlias = Callable[[bytes], tuple[int, str]]

PACKETS: Final = "packets"
CONNTRACK: Final = "conntrack"

FULL: Final = "full"
PSEUDONYM: Final = "pseudonym"
NONE: Final = "none"


@dataclass(frozen=True)
class EnforcementState:
    """What enforcement does at present, as far as verdicts and counters depend on it.

    `armed`: the sinkhole answers the diverted queries. `resolvers` are the packed addresses that clients are meant to
    query; empty where any resolver is allowed. `sinks` are the packed addresses that the sinkhole returned for banned
    names. `learned` are the packed addresses that the kernel bans because of trusted answers. `ineffective` are what
    bans cannot stop: the id of the ban with a subject and a group (`all`: everyone) of it. `own_port` is the source
    port of queries that the gateway sends with addresses of devices, which are no device's; 0 for none.
    """

    armed: bool = False
    resolvers: frozenset[bytes] = frozenset()
    sinks: frozenset[bytes] = frozenset()
    learned: frozenset[bytes] = frozenset()
    ineffective: frozenset[tuple[str, str, str]] = frozenset()
    own_port: int = 0


@dataclass(frozen=True)
class Settings:
    """`local` and `nat64` are prefixes as text.

    `flows` says what counts bytes: `packets` (Packet observations) or `conntrack` (FlowCount observations).
    `interfaces` are names by the index that packets carry. `connected` gives, by interface name, the prefixes that
    are on-link there: a MAC is a device only inside them. None means that nobody knows (captures, taps): there a MAC
    with too many IPv4 sources is a router.
    `events` are the event types that somebody reads: `dns`, `tls`, `quic`, `flow`, `dhcp`; no others are made.
    `device` says how rows and labels name devices: `full`, `pseudonym` (a hash under `pseudonym_key`) or `none`.
    """

    local: tuple[str, ...] = DEFAULT_LOCAL
    nat64: tuple[str, ...] = ()
    flows: str = PACKETS
    interfaces: tuple[str, ...] = ()
    connected: Mapping[str, tuple[str, ...]] | None = None
    groups: tuple[Group, ...] = ()
    events: frozenset[str] = frozenset()
    device: str = FULL
    pseudonym_key: bytes = b""
    own: frozenset[bytes] = frozenset()
    lookup: Lookup | None = None
    limits: Limits = field(default_factory=Limits)
