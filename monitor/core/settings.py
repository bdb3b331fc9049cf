"""Inputs of the core: frozen copies of the configuration and of the state of enforcement, and a lookup of addresses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from monitor.attribution.networks import DEFAULT_LOCAL
from monitor.limits import Limits
from monitor.policy.groups import Group

# Maps a packed address to its AS number (0: unknown) and its ISO 3166 country code ("": unknown).
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
    query; empty if any resolver is allowed. `sinks` are the packed addresses that the sinkhole returned for banned
    names. `learned` are the packed addresses that the kernel bans because of trusted answers. `ineffective` are the
    bans without effect, each as ban id, subject and group (`all`: everyone). `own_port` is the source port of the
    queries that the gateway sends from client addresses, which belong to no device; 0 for none.
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

    `flows` selects what counts bytes: `packets` (Packet observations) or `conntrack` (FlowCount observations).
    `interfaces` are names, indexed as in packets. `connected` maps an interface name to its on-link prefixes: a MAC
    identifies a device only inside them. None means that the prefixes are unknown (captures, taps): a MAC with too many
    IPv4 sources is then a router. `events` are the event types with a consumer: `dns`, `tls`, `quic`, `flow`, `dhcp`,
    `verdict`; no others are created. `device` selects how rows and labels name devices: `full`, `pseudonym` (a hash
    under `pseudonym_key`) or `none`.
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
