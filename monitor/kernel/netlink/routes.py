"""Routes through other routers, and those that leave through an interface (rtnetlink)."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final, final

from monitor.attribution.networks import address_text
from monitor.kernel.netlink.interfaces import RTA_MULTIPATH, RTA_OIF, RTMSG
from monitor.kernel.netlink.sockets import NETLINK_ROUTE, SOL_NETLINK, Netlink, Overrun, attribute, attributes

RTM_GETROUTE: Final = 26
RTA_DST: Final = 1
RTA_GATEWAY: Final = 5
RTA_VIA: Final = 18
RTA_ENCAP: Final = 22
RTN_UNICAST: Final = 1
NETLINK_GET_STRICT_CHK: Final = 12  # NETLINK_GET_STRICT_CHK: the kernel heeds what a dump asks for
RTNLGRP_IPV4_ROUTE: Final = 7  # RTNLGRP_IPV4_ROUTE
RTNLGRP_IPV6_ROUTE: Final = 11
RTNEXTHOP: Final = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index


@dataclass(frozen=True)
class RouteVia:
    """`prefix` lies behind the router at `gateway` (packed), out of the interface of that index; `b""`: on-link."""

    prefix: str
    gateway: bytes
    interface: int


def routes_via() -> list[RouteVia]:
    """All but default routes. Raises OSError where the kernel does not tell."""
    with closing(Netlink(NETLINK_ROUTE)) as netlink:
        bodies = netlink.dump(RTM_GETROUTE, RTMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0))
    found = [route_of(body) for _, body in bodies]
    return [route for route in found if route is not None and route.gateway]


def routes_out(interface: int) -> list[RouteVia]:
    """Those that leave through it, but for default routes. Raises OSError where the kernel does not tell."""
    found: dict[RouteVia, None] = {}
    with closing(Netlink(NETLINK_ROUTE)) as netlink:
        netlink.socket.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        for family in (socket.AF_INET, socket.AF_INET6):
            head = RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
            for _, body in netlink.dump(RTM_GETROUTE, head + attribute(RTA_OIF, struct.pack("=I", interface))):
                route = route_of(body, interface)
                if route is not None and route.interface == interface:
                    found[route] = None
    return list(found)


def route_of(body: bytes, wanted: int = 0) -> RouteVia | None:
    """None for what is no prefix, or leads there otherwise than by a router of its own family or none.

    Of several ways that share the load it is the first, or the first one out of the `wanted` interface.
    """
    _, length, _, _, _, _, _, kind, _ = RTMSG.unpack_from(body)
    values = attributes(body, RTMSG.size)
    link = int.from_bytes(values.get(RTA_OIF, b""), "little")
    for index, more in next_hops(values.get(RTA_MULTIPATH, b"")):
        if wanted in (0, index):
            link, values = index, {**values, **more}
            break
    if not length or kind != RTN_UNICAST or not link or RTA_VIA in values or RTA_ENCAP in values:
        return None
    prefix = f"{address_text(values.get(RTA_DST, b''))}/{length}"
    return RouteVia(prefix, values.get(RTA_GATEWAY, b""), link)


def next_hops(data: bytes) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The interface of each and its attributes."""
    while len(data) >= RTNEXTHOP.size:
        size, _, _, index = RTNEXTHOP.unpack_from(data)
        yield index, attributes(data[:size], RTNEXTHOP.size)
        data = data[max((size + 3) & -4, RTNEXTHOP.size) :]


@final
class RouteEvents:
    """Tells that routes changed; what they are now, `routes_out` tells."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE, (RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE))

    def read(self) -> bool:
        """Takes all events that wait; true when there was one, or when some were lost."""
        changed = False
        while True:
            with contextlib.suppress(Overrun):
                if not self._netlink.receive():
                    return changed
            changed = True

    def close(self) -> None:
        self._netlink.close()
