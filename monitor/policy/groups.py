"""Groups: matches devices with members as the configuration writes them.

A member is a MAC address (`aa:bb:cc:dd:ee:ff`), an address, a prefix, `host:PATTERN` (a shell pattern for the host
name, case ignored; see `HostPins` for which name counts) or `iface:NAME` (the interface of the device's last packet).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, final

from monitor.attribution.devices import Device
from monitor.attribution.host_names import host_key, host_text
from monitor.attribution.networks import NetworkPrefix, parse_prefix
from monitor.policy.group_words import BUT

NO_GROUP: Final = "none"
HOST_MARK: Final = "host:"
IFACE_MARK: Final = "iface:"
MAC_BYTES: Final = 6


@dataclass(frozen=True)
class Group:
    name: str
    members: tuple[str, ...] = ()


def parse_mac(text: str) -> bytes:
    """Returns the six bytes of a MAC address with colons or hyphens, or `b""` if the text is not one."""
    parts = text.replace("-", ":").split(":")
    if len(parts) != MAC_BYTES:
        return b""
    try:
        return bytes([int(part, 16) for part in parts]) if all(len(part) == 2 for part in parts) else b""
    except ValueError:
        return b""


@final
class MemberList:
    """Members by kind: MACs, prefixes, patterns of host names, interfaces."""

    __slots__ = ("interfaces", "macs", "patterns", "prefixes")

    def __init__(self) -> None:
        self.macs: set[bytes] = set()
        self.prefixes: list[NetworkPrefix] = []
        self.patterns: list[str] = []
        self.interfaces: set[str] = set()

    def add(self, member: str) -> bool:
        """Adds a member. Returns False if it cannot be parsed."""
        if member.startswith(HOST_MARK):
            self.patterns.append(host_key(member[len(HOST_MARK) :]))
            return True
        if member.startswith(IFACE_MARK):
            self.interfaces.add(member[len(IFACE_MARK) :])
            return True
        mac = parse_mac(member)
        prefix = parse_prefix(member)
        if mac:
            self.macs.add(mac)
        elif prefix is not None:
            self.prefixes.append(prefix)
        else:
            return False
        return True

    def is_empty(self) -> bool:
        return not (self.macs or self.prefixes or self.patterns or self.interfaces)

    def hold(self, device: Device, interface: str) -> bool:
        if device.mac in self.macs or interface in self.interfaces:
            return True
        for prefix in self.prefixes:
            for address in device.addresses:
                if prefix.contains(address):
                    return True
        if self.patterns and device.host:
            name = host_key(host_text(device.host))
            for pattern in self.patterns:
                if fnmatchcase(name, pattern):
                    return True
        return False

    def name_key(self, key: bytes) -> bool:
        """Whether a packed MAC or address by itself matches a member."""
        return key in self.macs or any(prefix.contains(key) for prefix in self.prefixes)


@final
class GroupMembers:
    """One group's members. The group contains `named`, or all devices if it only has exclusions; `excluded` ones never
    belong to it. `faults` are members that cannot be parsed.
    """

    __slots__ = ("excluded", "faults", "name", "named")

    def __init__(self, group: Group) -> None:
        self.name = group.name
        self.named = MemberList()
        self.excluded = MemberList()
        self.faults: list[str] = []
        for member in group.members:
            into = self.excluded if member.startswith(BUT) else self.named
            if not into.add(member.removeprefix(BUT)):
                self.faults.append(member)

    def is_open(self) -> bool:
        """Whether the group contains all devices except the excluded ones."""
        return self.named.is_empty() and not self.excluded.is_empty()

    def excludes(self, device: Device, interface: str) -> bool:
        return self.excluded.hold(device, interface)

    def holds(self, device: Device, interface: str) -> bool:
        if self.excluded.hold(device, interface):
            return False
        return self.is_open() or self.named.hold(device, interface)

    def names(self, key: bytes) -> bool:
        """Whether a device of which only this packed MAC or address is known is in the group."""
        return not self.excluded.name_key(key) and (self.is_open() or self.named.name_key(key))


@final
class Groups:
    """All groups in file order. The label of a device is the first group that contains it."""

    __slots__ = ("_excluding", "groups", "interfaces")

    def __init__(self, groups: Sequence[Group], interfaces: Sequence[str]) -> None:
        self.groups = [GroupMembers(group) for group in groups]
        self._excluding = [group for group in self.groups if not group.excluded.is_empty()]
        self.interfaces = list(interfaces)

    def all_of(self, device: Device) -> list[str]:
        """Returns the names of the groups that contain the device, in file order."""
        at = device.interface
        interface = self.interfaces[at] if 0 <= at < len(self.interfaces) else ""
        return [group.name for group in self.groups if group.holds(device, interface)]

    def excluding(self, device: Device) -> list[str]:
        """Returns the names of the groups that exclude the device."""
        at = device.interface
        interface = self.interfaces[at] if 0 <= at < len(self.interfaces) else ""
        return [group.name for group in self._excluding if group.excludes(device, interface)]

    def label_of(self, device: Device) -> str:
        """Returns the label of the device: the first group that contains it in file order, `none` without one."""
        names = self.all_of(device)
        return names[0] if names else NO_GROUP
