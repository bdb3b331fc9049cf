"""Whom an exception is for, and what it covers."""

from collections.abc import Sequence
from typing import TypeAlias, final

from monitor.attribution.networks import parse_prefix
from monitor.policy.ban import Exemption, covers, parse_subject
from monitor.policy.protected import is_under

# MAC, address, name: any may be empty.
DeviceKey: TypeAlias = tuple[bytes, bytes, str]


@final
class Exempted:
    """An exception, ready to be asked."""

    __slots__ = ("_names", "_prefix", "_subject", "exemption")

    def __init__(self, exemption: Exemption) -> None:
        self.exemption = exemption
        self._names = frozenset((exemption.name,)) if exemption.name else frozenset()
        self._prefix = parse_prefix(exemption.prefix) if exemption.prefix else None
        self._subject = parse_subject(exemption.vendor)

    def holds(self, groups: tuple[str, ...], device: DeviceKey) -> bool:
        """Whether it is for this device; a device of which nothing is known has no exception."""
        if not device[0] and not device[1]:
            return False
        if self.exemption.group:
            return self.exemption.group in groups
        if self._prefix is not None:
            return device[1] != b"" and self._prefix.contains(device[1])
        return self.exemption.device in (device[0], device[1])

    def covers(self, vendor: str, service: str, categories: Sequence[str], name: bytes) -> bool:
        if self._names and name and is_under(name, self._names):
            return True
        return self.exemption.vendor != "" and covers(self._subject, vendor, service, categories) >= 0
