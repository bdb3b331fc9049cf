"""Routes through other routers, and routes that leave through an interface (rtnetlink)."""

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
NETLINK_GET_STRICT_CHK: Final = 12  # the kernel applies the filters of a dump request
RTNLGRP_IPV4_ROUTE: Final = 7
RTNLGRP_IPV6_ROUTE: Final = 11
RTNEXTHOP: Final = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index


@dataclass(frozen=True)
class RouteVia:
    """A route to `prefix` through the router `gateway` (packed, `b""` if on-link) on the interface with that index."""

    prefix: str
    gateway: bytes
    interface: int


def routes_via() -> list[RouteVia]:
    """Returns all routes with a gateway except default routes. Raises OSError if the kernel does not answer."""
    with closing(Netlink(NETLINK_ROUTE)) as netlink:
        bodies = netlink.dump(RTM_GETROUTE, RTMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0))
    found = [route_of(body) for _, body in bodies]
    return [route for route in found if route is not None and route.gateway]


def routes_out(interface: int) -> list[RouteVia]:
    """Returns all routes through this interface except default routes. Raises OSError if the kernel does not answer."""
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
    """Parses a route. None for a default or non-unicast route, or one without interface, with RTA_VIA or RTA_ENCAP.

    For a multipath route it uses the first next hop, or the first one through the `wanted` interface.
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
    """Yields the interface index and the attributes of each next hop."""
    while len(data) >= RTNEXTHOP.size:
        size, _, _, index = RTNEXTHOP.unpack_from(data)
        yield index, attributes(data[:size], RTNEXTHOP.size)
        data = data[max((size + 3) & -4, RTNEXTHOP.size) :]


@final
class RouteEvents:
    """Reports that routes changed. `routes_out` returns the new routes."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE, (RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE))

    def read(self) -> bool:
        """Reads all pending events. True if there was any, or if some were lost."""
        changed = False
        while True:
            with contextlib.suppress(Overrun):
                if not self._netlink.receive():
                    return changed
            changed = True

    def close(self) -> None:
        self._netlink.close()
