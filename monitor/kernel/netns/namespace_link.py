"""A network namespace of the daemon, behind one LAN interface, that receives diverted queries.

The namespace has no name. It exists until its last socket closes, so it is removed with the daemon, together with the
veth pair that leads to it. Every address is local in it: a socket sees the address that a client queried, and can
respond from it.
"""

import contextlib
import fcntl
import socket
import struct
from typing import Final, final

from monitor.errors import MachineError
from monitor.kernel.netlink.injection import inject
from monitor.kernel.netlink.links import (
    LOOPBACK,
    add_default,
    add_everything_local,
    add_veth,
    delete_link,
    families,
    set_up,
)
from monitor.kernel.netlink.sockets import NETLINK_ROUTE, Netlink
from monitor.kernel.netns.namespace import NetNamespace
from monitor.policy.table.rules import ASKED_MARK, CARRIED_MARK

SIOCGIFHWADDR: Final = 0x8927
ARPHRD_ETHER: Final = 1
# The MAC address of a namespace link whose interface has none (locally administered, IEEE 802 section 8.4).
DOOR_MAC: Final = bytes.fromhex("026777646f72")
SIOCGIFMTU: Final = 0x8921
FAR_END: Final = "lan"
ETHERNET_MTU: Final = 1500
LOCAL_TABLE: Final = 100


@final
class NamespaceLink:
    """A veth pair from one interface into a network namespace; `near` is the end in the gateway's namespace.

    Both ends have the current MAC of the interface, or `mac` if given, in which case no interface is needed. `mac` and
    `mtu` are those of the pair. `ethernet` is False if the interface has no MAC address; its packets have no link-layer
    header. `far` is the index of the far end in the namespace. Packets that leave through it with a mark enter by the
    LAN interface, as if a client had sent them (`netlink/injection.py`). Raises MachineError if the namespace or the
    pair cannot be created.
    """

    def __init__(self, interface: str, near: str, mac: bytes = b"") -> None:
        self.interface = interface
        self.near = near
        self.mac = mac
        self.mtu = ETHERNET_MTU
        self.ethernet = True
        self.far = 0
        self._place: NetNamespace | None = None
        try:
            with contextlib.suppress(OSError):
                remove_link(near)  # left over from a daemon that was killed
            self._place = NetNamespace()
            self._build(self._place)
        except (OSError, MachineError) as failure:
            self.close()
            what = f"the diversion of {interface}" if interface else f"the way behind {near}"
            raise MachineError(f"{what}: {failure}") from failure

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Returns a socket in the namespace, which receives queries to port 53 of any address. Raises OSError."""
        if self._place is None:
            raise MachineError(f"the diversion of {self.interface} is closed")
        return self._place.make_socket(family, kind, protocol)

    def close(self) -> None:
        """Removes the veth pair. The kernel removes the namespace when its last socket closes."""
        if self._place is not None:
            self._place.close()
            self._place = None
        with contextlib.suppress(OSError):
            remove_link(self.near)

    def _build(self, place: NetNamespace) -> None:
        if not self.mac:
            mac, self.mtu = look_at_link(self.interface)
            self.ethernet = bool(mac)
            self.mac = mac or DOOR_MAC
        outside = Netlink(NETLINK_ROUTE)
        try:
            add_veth(outside, self.near, FAR_END, self.mac, self.mtu, place.descriptor, self.mac)
            set_up(outside, self.near, arp=False)
            if self.interface:
                near, interface = socket.if_nametoindex(self.near), socket.if_nametoindex(self.interface)
                inject(outside, near, interface, (ASKED_MARK, CARRIED_MARK))
        finally:
            outside.close()
        inside = Netlink(NETLINK_ROUTE, made=place.make_socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE))
        try:
            self.far = place.index_of(FAR_END)
            furnish(inside, self.far)
        finally:
            inside.close()


def furnish(netlink: Netlink, far: int) -> None:
    """Adds routes in both directions to a namespace that contains only the far end."""
    set_up(netlink, LOOPBACK)
    set_up(netlink, FAR_END, arp=False)
    for family in families():
        add_default(netlink, family, far)
        add_everything_local(netlink, family, FAR_END, far, LOCAL_TABLE)


def look_at_link(name: str) -> tuple[bytes, int]:
    """Returns MAC (`b""` if the link has none) and MTU. Raises OSError if there is no such link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = name.encode()[:15].ljust(40, b"\0")
        answer = fcntl.ioctl(any_socket, SIOCGIFHWADDR, request)
        mac = answer[18:24] if struct.unpack_from("=H", answer, 16)[0] == ARPHRD_ETHER else b""
        mtu = struct.unpack_from("=i", fcntl.ioctl(any_socket, SIOCGIFMTU, request), 16)[0]
    return mac, mtu


def remove_link(name: str) -> None:
    netlink = Netlink(NETLINK_ROUTE)
    try:
        delete_link(netlink, socket.if_nametoindex(name))
    finally:
        netlink.close()
