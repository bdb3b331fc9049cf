"""Whether a source address is on-link at its interface: if it is not, the frame's MAC is that of a router."""

from typing import final

from monitor.attribution.devices import NOBODY_KNOWS, OFF_LINK, ON_LINK
from monitor.attribution.networks import ALWAYS_LOCAL, Networks, is_unspecified
from monitor.core.settings import Settings


@final
class OnLinkPrefixes:
    """The connected prefixes of each interface. `Packet.interface` is the index of the interface."""

    __slots__ = ("_always", "_interfaces", "_known")

    def __init__(self, settings: Settings) -> None:
        self._always = Networks(ALWAYS_LOCAL)
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        connected = settings.connected
        self._known = connected is not None
        self._interfaces: list[Networks] = []
        if connected is not None:
            self._interfaces = [Networks(connected.get(name, ())) for name in settings.interfaces]

    def of(self, address: bytes, interface: int) -> int:
        """Whether the address is on the interface's link: ON_LINK, OFF_LINK, or NOBODY_KNOWS without known prefixes."""
        if not self._known:
            return NOBODY_KNOWS
        if is_unspecified(address) or self._always.contains(address):
            return ON_LINK
        if 0 <= interface < len(self._interfaces) and self._interfaces[interface].contains(address):
            return ON_LINK
        return OFF_LINK
