"""The effects that the core returns, as data: events to write, flows to kill, names to resolve, members to update."""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from monitor.model import Event, Labels

UNKNOWN_SEQUENCE: Final = -1


@final
class Kill:
    """Kills a flow: adds both directions to the kill set, sends a reset to the client, deletes the conntrack entry.

    `key` leads from client to server as seen on the LAN side. `acknowledgment` is the sequence number of the reset: 0
    for protocols other than TCP, UNKNOWN_SEQUENCE for a flow that is killed midstream, where the number is unknown.
    `on_failure` is the ban's setting.
    """

    __slots__ = ("acknowledgment", "ban", "key", "on_failure", "time")

    def __init__(self, time: float, key: bytes, acknowledgment: int, ban: str, on_failure: str) -> None:
        self.time = time
        self.key = key
        self.acknowledgment = acknowledgment
        self.ban = ban
        self.on_failure = on_failure


@dataclass(frozen=True)
class ReleaseFlows:
    """Removes flows from the kill sets, because no ban applies to them any longer.

    With `on_failure`, removes them from the kill sets of bans with this `on_failure` only, because a ban with the other
    value keeps them killed. The `Kill` effects for that ban precede this effect.
    """

    keys: tuple[bytes, ...]
    on_failure: str = ""


@dataclass(frozen=True)
class ResolveName:
    """A device queried or sent a name of a vendor that a ban bans by address. Resolve the name: its addresses are
    banned, or left open if the name is allowed.
    """

    name: bytes


@dataclass(frozen=True)
class NameSeen:
    """`name` was seen at the learned `address` (DNS answer or ClientHello). Re-check whether a name outside the ban
    shares the address.
    """

    address: bytes
    name: bytes


@dataclass(frozen=True)
class MembershipChanged:
    """The device `number` is now in these groups and has these keys. Empty `groups` and `excluding`: remove the device.

    `mac` is the device's own MAC, or `b""` if only its addresses identify it. The groups in `excluding` exclude it.
    """

    number: int
    groups: tuple[str, ...]
    mac: bytes
    addresses: tuple[bytes, ...]
    excluding: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyChanged:
    """The bans in force changed, so the kernel table must be replaced. Precedes the kills of the new bans."""

    time: float


@final
class VerdictEvent:
    """Writes one EVE line: a ban blocked something, or would have in shadow mode. The source of `key` is the device."""

    __slots__ = ("action", "ban", "key", "labels", "layer", "mode", "name", "time")

    def __init__(
        self, time: float, key: bytes, labels: Labels, action: str, layer: str, ban: str, mode: str, name: bytes
    ) -> None:
        self.time = time
        self.key = key
        self.labels = labels
        self.action = action
        self.layer = layer
        self.ban = ban
        self.mode = mode
        self.name = name


Effect: TypeAlias = (
    Event | VerdictEvent | Kill | ReleaseFlows | ResolveName | NameSeen | MembershipChanged | PolicyChanged
)
