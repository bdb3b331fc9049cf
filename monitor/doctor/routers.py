"""Finds other routers of the LAN and the resolvers that they announce; their traffic bypasses the gateway.

Sends a router solicitation on each watched interface (RFC 4861 section 6.3.7) and listens for a second.
"""

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from monitor.attribution.networks import address_text
from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_RAW, has
from monitor.doctor.resolvers import on_link

TOPIC: Final = "IPv6 on the LAN"
LISTEN_SECONDS: Final = 1.0  # twice the maximum delay of a router (RFC 4861 section 10, MAX_RA_DELAY_TIME)
SOLICITATION: Final = bytes((133, 0, 0, 0, 0, 0, 0, 0))  # the kernel fills in the checksum
ADVERTISEMENT: Final = 134
ADVERTISEMENT_BYTES: Final = 16
RDNSS: Final = 25  # RFC 8106 section 5.1
ALL_ROUTERS: Final = "ff02::2"
HOPS: Final = 255
PACKET_BYTES: Final = 2_048


@dataclass(frozen=True)
class Announcement:
    """A router advertisement on an interface: `lifetime` in seconds (0: not a default router), `resolvers` packed."""

    interface: str
    router: str
    lifetime: int
    resolvers: tuple[bytes, ...]


def find(case: Case) -> Iterator[Finding]:
    if not has(NET_RAW) or not case.machine.forwarding:
        return
    own = case.own_addresses()
    lan = on_link(case)
    exempt = case.config.sinkhole.exempt
    for advertised in listen([name for name in case.names if name not in case.machine.default_routes]):
        if socket.inet_pton(socket.AF_INET6, advertised.router) in own:
            continue
        where = f"the router {advertised.router} on {advertised.interface}"
        guard = f"ip -6 neigh show {advertised.router} dev {advertised.interface}   # turn off its advertisements"
        if advertised.lifetime:
            yield Finding(
                TOPIC, f"{where} announces itself as a default router: traffic through it bypasses the gateway", guard
            )
        for address in advertised.resolvers:
            if lan.contains(address) and address not in own and address not in exempt:
                text = address_text(address)
                what = f"{where} announces the resolver {text} on the LAN: queries to it bypass the gateway"
                yield Finding(TOPIC, what, guard)


def listen(names: list[str]) -> list[Announcement]:
    """Returns the distinct advertisements that arrive on these interfaces within a second."""
    asking = {}
    for name in names:
        with contextlib.suppress(OSError):  # no IPv6 there
            asking[solicit(name)] = name
    found: dict[Announcement, None] = {}
    deadline = time.monotonic() + LISTEN_SECONDS
    try:
        while asking and (left := deadline - time.monotonic()) > 0:
            for ready in select.select(list(asking), [], [], left)[0]:
                data, peer = ready.recvfrom(PACKET_BYTES)
                advertised = read(asking[ready], peer[0].partition("%")[0], data)
                if advertised is not None:
                    found[advertised] = None
    finally:
        for one in asking:
            one.close()
    return list(found)


def solicit(name: str) -> socket.socket:
    """Sends a router solicitation on the interface; returns the socket that receives the replies."""
    index = socket.if_nametoindex(name)
    asking = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
        asking.sendto(SOLICITATION, (ALL_ROUTERS, 0, 0, index))
    except OSError:
        asking.close()
        raise
    return asking


def read(interface: str, router: str, data: bytes) -> Announcement | None:
    """Parses a router advertisement (RFC 4861 section 4.2); returns None for any other message."""
    if len(data) < ADVERTISEMENT_BYTES or data[0] != ADVERTISEMENT:
        return None
    lifetime = struct.unpack_from("!H", data, 6)[0]
    resolvers: list[bytes] = []
    at = ADVERTISEMENT_BYTES
    while at + 2 <= len(data) and data[at + 1]:
        size = data[at + 1] * 8
        if data[at] == RDNSS:
            addresses = data[at + 8 : at + size]
            resolvers += [addresses[start : start + 16] for start in range(0, len(addresses) - 15, 16)]
        at += size
    return Announcement(interface, router, lifetime, tuple(resolvers))
