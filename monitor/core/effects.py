"""What the core wants done, as data: events to write, flows to kill, devices to follow."""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from monitor.model import Event, Labels

UNKNOWN_SEQUENCE: Final = -1


@final
class Kill:
    """Cut the flow: both directions into the kill set, a reset to the client, then conntrack's entry.

    `key` leads from client to server as the LAN side sees it. `acknowledgment` is what the reset must carry as its
    sequence number, 0 for what is not TCP, UNKNOWN_SEQUENCE for one that is cut in its middle, where nobody knows it.
    `on_failure` is the ban's.
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
    """No ban kills these flows any longer: let them pass. With `on_failure` they leave the sets of that kind alone,
    because a ban of the other kind keeps them killed. Comes after the kills that replace it.
    """

    keys: tuple[bytes, ...]
    on_failure: str = ""


@dataclass(frozen=True)
class ResolveName:
    """A device wants a name whose vendor a ban by address is about: ask for its addresses. They are banned with it, or
    where this name passes, let pass.
    """

    name: bytes


@dataclass(frozen=True)
class NameSeen:
    """A device was told that the name is at a learned address, or says so itself: look whether somebody else is there
    too.
    """

    address: bytes
    name: bytes


@dataclass(frozen=True)
class MembershipChanged:
    """The device of this number is in these groups now, and known by these keys; no groups: forget it.

    `mac` is its own, `b""` where only its addresses are. `excluding` are the groups that exclude it.
    """

    number: int
    groups: tuple[str, ...]
    mac: bytes
    addresses: tuple[bytes, ...]
    excluding: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyChanged:
    """Other bans are in force: the kernel must hold another table. Comes before the kills of the new ones."""

    time: float


@final
class VerdictEvent:
    """A ban that bit or would have: write this as one EVE line. `key` leads from the device to whom it wanted."""

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
