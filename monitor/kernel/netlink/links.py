"""Creates links, rules and routes for gatewatch (rtnetlink): a veth pair, and the routing that its far end needs.

Nothing here changes a link, rule or route that existed before.
"""

import socket
import struct
from typing import Final

from monitor.kernel.netlink.interfaces import IFINFOMSG, RTMSG
from monitor.kernel.netlink.neighbours import NDA_DST as NEIGHBOUR_ADDRESS
from monitor.kernel.netlink.neighbours import NDA_LLADDR
from monitor.kernel.netlink.neighbours import NDMSG as NEIGHBOUR_HEADER
from monitor.kernel.netlink.neighbours import RTM_NEWNEIGH as NEW_NEIGHBOUR
from monitor.kernel.netlink.sockets import Netlink, attribute

RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_NEWROUTE: Final = 24
RTM_NEWRULE: Final = 32
NLM_F_CREATE: Final = 0x400
NLM_F_EXCL: Final = 0x200

IFF_UP: Final = 0x1
IFF_NOARP: Final = 0x80
IFLA_ADDRESS: Final = 1
IFLA_IFNAME: Final = 3
IFLA_MTU: Final = 4
IFLA_LINKINFO: Final = 18
IFLA_AF_SPEC: Final = 26
IFLA_NET_NS_FD: Final = 28
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2
VETH_INFO_PEER: Final = 1
IFLA_INET6_ADDR_GEN_MODE: Final = 8
IN6_ADDR_GEN_MODE_NONE: Final = 1

LOOPBACK: Final = "lo"
LOOPBACK_INDEX: Final = 1
RT_TABLE_MAIN: Final = 254
RTPROT_STATIC: Final = 4
RT_SCOPE_LINK: Final = 253
RT_SCOPE_HOST: Final = 254
RTN_UNICAST: Final = 1
RTN_LOCAL: Final = 2
NDA_DST: Final = 1
RTA_OIF: Final = 4
LINK_LOCAL: Final = b"\xfe\x80" + bytes(14)
LINK_LOCAL_BITS: Final = 10
FR_ACT_TO_TBL: Final = 1
FRA_IIFNAME: Final = 3
FRA_PRIORITY: Final = 6
NUD_PERMANENT: Final = 0x80


def add_veth(
    netlink: Netlink, name: str, peer: str, mac: bytes, mtu: int, namespace: int, near_mac: bytes = b""
) -> None:
    """Creates a veth pair: `name` in this network namespace, `peer` with this MAC in the one of descriptor `namespace`.

    Without `near_mac` the kernel chooses the MAC address of `name`.
    """
    far = (
        attribute(IFLA_IFNAME, peer.encode() + b"\0")
        + attribute(IFLA_ADDRESS, mac)
        + attribute(IFLA_MTU, struct.pack("=I", mtu))
    )
    far += attribute(IFLA_NET_NS_FD, struct.pack("=I", namespace))
    data = attribute(VETH_INFO_PEER, IFINFOMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + far, nested=True)
    info = attribute(IFLA_INFO_KIND, b"veth\0") + attribute(IFLA_INFO_DATA, data, nested=True)
    near = attribute(IFLA_IFNAME, name.encode() + b"\0") + attribute(IFLA_MTU, struct.pack("=I", mtu))
    near += attribute(IFLA_ADDRESS, near_mac) if near_mac else b""
    body = IFINFOMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + near
    netlink.ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + attribute(IFLA_LINKINFO, info, nested=True))


def families() -> tuple[int, ...]:
    """Returns the address families of this kernel: only AF_INET with `ipv6.disable=1`."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return (socket.AF_INET,)
    return socket.AF_INET, socket.AF_INET6


def quiet() -> bytes:
    """Returns attributes that disable automatic addresses on the link: it sends no router solicitation (RFC 4862)."""
    inner = attribute(IFLA_INET6_ADDR_GEN_MODE, bytes([IN6_ADDR_GEN_MODE_NONE]))
    return attribute(IFLA_AF_SPEC, attribute(socket.AF_INET6, inner, nested=True), nested=True)


def set_up(netlink: Netlink, name: str, arp: bool = True) -> None:
    """Brings a link up. Without `arp` it resolves no neighbours and sends to its own MAC."""
    flags = IFF_UP if arp else IFF_UP | IFF_NOARP
    body = IFINFOMSG.pack(socket.AF_UNSPEC, 0, 0, flags, flags) + attribute(IFLA_IFNAME, name.encode() + b"\0")
    netlink.ask(RTM_NEWLINK, 0, body + (quiet() if not arp and socket.AF_INET6 in families() else b""))


def delete_link(netlink: Netlink, index: int) -> None:
    """Deletes a link, with the other end of a veth pair. Raises OSError if the link does not exist."""
    netlink.ask(RTM_DELLINK, 0, IFINFOMSG.pack(socket.AF_UNSPEC, 0, index, 0, 0))


def add_default(netlink: Netlink, family: int, index: int) -> None:
    """Adds an on-link default route through this link."""
    head = RTMSG.pack(family, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST, 0)
    netlink.ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head + attribute(RTA_OIF, struct.pack("=I", index)))


def add_route(netlink: Netlink, prefix: bytes, bits: int, index: int) -> None:
    """Adds an on-link route for the prefix through this link."""
    family = socket.AF_INET if len(prefix) == 4 else socket.AF_INET6
    head = RTMSG.pack(family, bits, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST, 0)
    where = attribute(NDA_DST, prefix) + attribute(RTA_OIF, struct.pack("=I", index))
    netlink.ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head + where)


def add_neighbour(netlink: Netlink, address: bytes, mac: bytes, index: int) -> None:
    """Adds a permanent neighbour entry, so the address needs no ARP or neighbour discovery."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    head = NEIGHBOUR_HEADER.pack(family, index, NUD_PERMANENT, 0, 0)
    who = attribute(NEIGHBOUR_ADDRESS, address) + attribute(NDA_LLADDR, mac)
    netlink.ask(NEW_NEIGHBOUR, NLM_F_CREATE | NLM_F_EXCL, head + who)


def add_everything_local(netlink: Netlink, family: int, interface: str, index: int, table: int) -> None:
    """Delivers all packets received on the interface to local sockets, for any destination address."""
    head = RTMSG.pack(family, 0, 0, 0, table, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0)
    netlink.ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head + attribute(RTA_OIF, struct.pack("=I", LOOPBACK_INDEX)))
    if family == socket.AF_INET6:  # link-local addresses need a route of their own link (RFC 4007 section 9)
        head = RTMSG.pack(family, LINK_LOCAL_BITS, 0, 0, table, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0)
        place = attribute(NDA_DST, LINK_LOCAL) + attribute(RTA_OIF, struct.pack("=I", index))
        netlink.ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head + place)
    rule = RTMSG.pack(family, 0, 0, 0, table, 0, 0, FR_ACT_TO_TBL, 0)
    priority = attribute(FRA_PRIORITY, struct.pack("=I", table))
    netlink.ask(
        RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule + attribute(FRA_IIFNAME, interface.encode() + b"\0") + priority
    )
