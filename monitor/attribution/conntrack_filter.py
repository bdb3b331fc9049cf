"""Selects conntrack's connections that cross captured interfaces, because conntrack has all connections of the machine.

Without the filter the gateway's own traffic to the internet, its loopback connections and networks that are not watched
would be counted as devices.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.networks import Networks
from monitor.model import FlowCount, key_source

ADDRESSES_KEPT: Final = 65_536

UNKNOWN: Final = 0
LOCAL: Final = 1  # a local address on a link to which the machine is not attached
WATCHED: Final = 2  # on the link of a captured interface
ELSEWHERE: Final = 3  # on the link of another interface
SELF_WATCHED: Final = 4  # the machine's own address on a captured interface
SELF: Final = 5


@final
class LanConnections:
    """`watched` and `elsewhere` are the on-link prefixes of captured and other interfaces, as text; `own_watched` and
    `own` are the machine's packed addresses on them; `local` are the prefixes of local networks.
    """

    __slots__ = ("_elsewhere", "_local", "_places", "_watched")

    def __init__(
        self,
        watched: Sequence[str],
        elsewhere: Sequence[str],
        own_watched: Sequence[bytes],
        own: Sequence[bytes],
        local: Sequence[str],
    ) -> None:
        self._watched = Networks(watched)
        self._elsewhere = Networks(elsewhere)
        self._local = Networks(local)
        self._places: dict[bytes, int] = {}
        self._remember(own, SELF)
        self._remember(own_watched, SELF_WATCHED)

    def _remember(self, addresses: Sequence[bytes], place: int) -> None:
        for address in addresses:
            self._places[address] = place

    def keep(self, counts: list[FlowCount]) -> list[FlowCount]:
        """Returns the connections whose packets a captured interface sees."""
        return [count for count in counts if self.sees(count)]

    def sees(self, count: FlowCount) -> bool:
        """Whether a captured interface sees the connection. The ends are the original source and, after all
        translations, the source of the replies.
        """
        near, far = self._place(key_source(count.key)), self._place(key_source(count.reply))
        if near >= SELF_WATCHED and far >= SELF_WATCHED:
            return False
        if near in (WATCHED, SELF_WATCHED) or far in (WATCHED, SELF_WATCHED):
            return True
        if near == SELF or far == SELF or (near == ELSEWHERE and far == ELSEWHERE):
            return False
        # Hosts behind a router of the LAN are local too; the addresses do not show which interface leads there.
        return near == LOCAL or far == LOCAL

    def _place(self, address: bytes) -> int:
        place = self._places.get(address, -1)
        if place >= 0:
            return place
        if self._watched.contains(address):
            place = WATCHED
        elif self._elsewhere.contains(address):
            place = ELSEWHERE
        else:
            place = LOCAL if self._local.contains(address) else UNKNOWN
        if len(self._places) >= ADDRESSES_KEPT:
            own = {known: kind for known, kind in self._places.items() if kind >= SELF_WATCHED}
            self._places = own
        self._places[address] = place
        return place
