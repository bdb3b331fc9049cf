"""Which devices the kernel must know by their keys: those that groups hold or exclude, as what is known of them
changes.
"""

from typing import final

from monitor.attribution.devices import Device, Devices
from monitor.core.effects import MembershipChanged


@final
class Following:
    """Tells of every device that a group holds or excludes, and again whenever something about it has changed."""

    __slots__ = ("_devices", "_followed")

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._followed: dict[int, Device] = {}

    def look(self, moved: list[Device]) -> list[MembershipChanged]:
        """The news of devices whose groups were asked for anew, and of those that are gone."""
        news: list[MembershipChanged] = []
        for device in moved:
            if (device.groups or device.excluding) and not device.gone:
                self._followed[device.number] = device
                mac = b"" if device.router else device.mac
                addresses = tuple(sorted(device.addresses))
                news.append(MembershipChanged(device.number, device.groups, mac, addresses, device.excluding))
            elif device.number in self._followed:
                news.append(self._forget(device.number))
        for number in [number for number in self._followed if number not in self._devices.everyone]:
            news.append(self._forget(number))
        return news

    def _forget(self, number: int) -> MembershipChanged:
        del self._followed[number]
        return MembershipChanged(number, (), b"", ())
