"""What the core is told from outside: a frozen picture of the configuration, and one callable that looks things up."""

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
    lookup: Lookup | None = None
    limits: Limits = field(default_factory=Limits)
