"""Matches exceptions: the devices that an exception is for, and the names and vendors that it frees."""

from typing import Final, TypeAlias, final

from monitor.attribution.networks import parse_prefix
from monitor.policy.ban import Exemption, parse_subject
from monitor.policy.protected import is_under

# MAC, address, name: each may be empty.
DeviceKey: TypeAlias = tuple[bytes, bytes, str]
# A client about which nothing is known: no exception applies to it.
NO_DEVICE: Final[DeviceKey] = (b"", b"", "")


@final
class Exempted:
    """A parsed exception. `subject` is the vendor whose owners it frees, empty for an exception of a name."""

    __slots__ = ("_names", "_prefix", "exemption", "subject")

    def __init__(self, exemption: Exemption) -> None:
        self.exemption = exemption
        self._names = frozenset((exemption.name,)) if exemption.name else frozenset()
        self._prefix = parse_prefix(exemption.prefix) if exemption.prefix else None
        self.subject = parse_subject(exemption.vendor)

    def holds(self, groups: tuple[str, ...], device: DeviceKey) -> bool:
        """Whether the exception applies to this device. None applies to a device without a known MAC or address."""
        if not device[0] and not device[1]:
            return False
        if self.exemption.group:
            return self.exemption.group in groups
        if self._prefix is not None:
            return device[1] != b"" and self._prefix.contains(device[1])
        return self.exemption.device in (device[0], device[1])

    def frees(self, name: bytes) -> bool:
        """Whether the exception frees the name, whatever the name's owners are."""
        return len(self._names) > 0 and name != b"" and is_under(name, self._names)
