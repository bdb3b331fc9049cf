"""Routes through other routers (rtnetlink)."""

import socket
from dataclasses import dataclass
from typing import Final

from monitor.attribution.networks import address_text
from monitor.kernel.interfaces import ROUTE_HEADER, RTA_OIF
from monitor.kernel.netlink import ROUTE, Netlink, attributes

GET_ROUTE: Final = 26
RTA_DESTINATION: Final = 1
RTA_GATEWAY: Final = 5
UNICAST: Final = 1


@dataclass(frozen=True)
class RouteVia:
    """`prefix` lies behind the router at `gateway` (packed), out of the interface of that index."""

    prefix: str
    gateway: bytes
    interface: int


def routes_via() -> list[RouteVia]:
    """All but default routes. Raises OSError where the kernel does not tell."""
    netlink = Netlink(ROUTE)
    try:
        bodies = [
            body for _, body in netlink.dump(GET_ROUTE, ROUTE_HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0))
        ]
    finally:
        netlink.close()
    found = []
    for body in bodies:
        _, length, _, _, _, _, _, kind, _ = ROUTE_HEADER.unpack_from(body)
        values = attributes(body, ROUTE_HEADER.size)
        gateway, link = values.get(RTA_GATEWAY, b""), values.get(RTA_OIF, b"")
        if length and kind == UNICAST and gateway and len(link) == 4:
            prefix = f"{address_text(values.get(RTA_DESTINATION, b''))}/{length}"
            found.append(RouteVia(prefix, gateway, int.from_bytes(link, "little")))
    return found
