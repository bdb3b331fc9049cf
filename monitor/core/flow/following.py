"""Follows the devices whose keys the kernel needs: those that a group contains or excludes."""

from typing import final

from monitor.attribution.devices import Device, Devices
from monitor.core.effects import MembershipChanged


@final
class Following:
    """Reports each device that a group contains or excludes, and reports it again after each change."""

    __slots__ = ("_devices", "_followed")

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._followed: dict[int, Device] = {}

    def look(self, moved: list[Device]) -> list[MembershipChanged]:
        """Returns the changes of devices whose groups were determined again, and of devices that are gone."""
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
