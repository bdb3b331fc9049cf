"""Links, rules and routes that gatewatch makes for itself (rtnetlink): a veth pair, and what its far end needs.

Only additions to what is new: nothing here changes a link, rule or route that was there before.
"""

import socket
import struct
from typing import Final

from monitor.kernel.netlink.interfaces import LINK_HEADER, ROUTE_HEADER
from monitor.kernel.netlink.neighbours import DESTINATION as NEIGHBOUR_ADDRESS
from monitor.kernel.netlink.neighbours import HEADER as NEIGHBOUR_HEADER
from monitor.kernel.netlink.neighbours import LINK_ADDRESS
from monitor.kernel.netlink.neighbours import NEW as NEW_NEIGHBOUR
from monitor.kernel.netlink.sockets import Netlink, attribute

NEW_LINK: Final = 16
DELETE_LINK: Final = 17
NEW_ROUTE: Final = 24
NEW_RULE: Final = 32
CREATE: Final = 0x400
EXCLUSIVE: Final = 0x200

UP: Final = 0x1
NO_ARP: Final = 0x80
ADDRESS: Final = 1
NAME: Final = 3
MTU: Final = 4
LINK_INFO: Final = 18
AF_SPECIFIC: Final = 26
NAMESPACE_FD: Final = 28
INFO_KIND: Final = 1
INFO_DATA: Final = 2
VETH_PEER: Final = 1
ADDRESS_GENERATION: Final = 8
NO_ADDRESS: Final = 1

LOOPBACK: Final = "lo"
LOOPBACK_INDEX: Final = 1
MAIN_TABLE: Final = 254
STATIC: Final = 4
SCOPE_LINK: Final = 253
SCOPE_HOST: Final = 254
UNICAST: Final = 1
LOCAL: Final = 2
DESTINATION: Final = 1
OUTPUT_LINK: Final = 4
LINK_LOCAL: Final = b"\xfe\x80" + bytes(14)
LINK_LOCAL_BITS: Final = 10
TO_TABLE: Final = 1
RULE_INPUT: Final = 3
RULE_PRIORITY: Final = 6
PERMANENT: Final = 0x80  # NUD_PERMANENT


def add_veth(
    netlink: Netlink, name: str, peer: str, mac: bytes, mtu: int, namespace: int, near_mac: bytes = b""
) -> None:
    """Makes a pair: `name` here, `peer` with this MAC in the namespace that the descriptor leads to.

    Without `near_mac` the kernel picks one for the end that is here.
    """
    far = attribute(NAME, peer.encode() + b"\0") + attribute(ADDRESS, mac) + attribute(MTU, struct.pack("=I", mtu))
    far += attribute(NAMESPACE_FD, struct.pack("=I", namespace))
    data = attribute(VETH_PEER, LINK_HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + far, nested=True)
    info = attribute(INFO_KIND, b"veth\0") + attribute(INFO_DATA, data, nested=True)
    near = attribute(NAME, name.encode() + b"\0") + attribute(MTU, struct.pack("=I", mtu))
    near += attribute(ADDRESS, near_mac) if near_mac else b""
    body = LINK_HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + near
    netlink.ask(NEW_LINK, CREATE | EXCLUSIVE, body + attribute(LINK_INFO, info, nested=True))


def families() -> tuple[int, ...]:
    """The address families that this kernel has: with `ipv6.disable=1` it has one."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return (socket.AF_INET,)
    return socket.AF_INET, socket.AF_INET6


def quiet() -> bytes:
    """The link makes no address of its own and so asks nobody for routers (RFC 4862)."""
    inner = attribute(ADDRESS_GENERATION, bytes([NO_ADDRESS]))
    return attribute(AF_SPECIFIC, attribute(socket.AF_INET6, inner, nested=True), nested=True)


def set_up(netlink: Netlink, name: str, arp: bool = True) -> None:
    """Brings a link up; without `arp` it asks for no neighbour and sends to its own MAC."""
    flags = UP if arp else UP | NO_ARP
    body = LINK_HEADER.pack(socket.AF_UNSPEC, 0, 0, flags, flags) + attribute(NAME, name.encode() + b"\0")
    netlink.ask(NEW_LINK, 0, body + (quiet() if not arp and socket.AF_INET6 in families() else b""))


def delete_link(netlink: Netlink, index: int) -> None:
    """And with it the other end of a pair. Raises OSError where it is gone."""
    netlink.ask(DELETE_LINK, 0, LINK_HEADER.pack(socket.AF_UNSPEC, 0, index, 0, 0))


def add_default(netlink: Netlink, family: int, index: int) -> None:
    """Everything leaves through this link, whose neighbours need no router."""
    head = ROUTE_HEADER.pack(family, 0, 0, 0, MAIN_TABLE, STATIC, SCOPE_LINK, UNICAST, 0)
    netlink.ask(NEW_ROUTE, CREATE | EXCLUSIVE, head + attribute(OUTPUT_LINK, struct.pack("=I", index)))


def add_route(netlink: Netlink, prefix: bytes, bits: int, index: int) -> None:
    """The prefix is on this link."""
    family = socket.AF_INET if len(prefix) == 4 else socket.AF_INET6
    head = ROUTE_HEADER.pack(family, bits, 0, 0, MAIN_TABLE, STATIC, SCOPE_LINK, UNICAST, 0)
    where = attribute(DESTINATION, prefix) + attribute(OUTPUT_LINK, struct.pack("=I", index))
    netlink.ask(NEW_ROUTE, CREATE | EXCLUSIVE, head + where)


def add_neighbour(netlink: Netlink, address: bytes, mac: bytes, index: int) -> None:
    """Nobody need ask for this one."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    head = NEIGHBOUR_HEADER.pack(family, index, PERMANENT, 0, 0)
    who = attribute(NEIGHBOUR_ADDRESS, address) + attribute(LINK_ADDRESS, mac)
    netlink.ask(NEW_NEIGHBOUR, CREATE | EXCLUSIVE, head + who)


def add_everything_local(netlink: Netlink, family: int, interface: str, index: int, table: int) -> None:
    """Whatever comes in through the interface is for this host, whichever address it was sent to."""
    head = ROUTE_HEADER.pack(family, 0, 0, 0, table, STATIC, SCOPE_HOST, LOCAL, 0)
    netlink.ask(NEW_ROUTE, CREATE | EXCLUSIVE, head + attribute(OUTPUT_LINK, struct.pack("=I", LOOPBACK_INDEX)))
    if family == socket.AF_INET6:  # link-local addresses belong to a link, and to no other's route (RFC 4007 section 9)
        head = ROUTE_HEADER.pack(family, LINK_LOCAL_BITS, 0, 0, table, STATIC, SCOPE_HOST, LOCAL, 0)
        place = attribute(DESTINATION, LINK_LOCAL) + attribute(OUTPUT_LINK, struct.pack("=I", index))
        netlink.ask(NEW_ROUTE, CREATE | EXCLUSIVE, head + place)
    rule = ROUTE_HEADER.pack(family, 0, 0, 0, table, 0, 0, TO_TABLE, 0)
    priority = attribute(RULE_PRIORITY, struct.pack("=I", table))
    netlink.ask(NEW_RULE, CREATE | EXCLUSIVE, rule + attribute(RULE_INPUT, interface.encode() + b"\0") + priority)
