"""Where diverted questions arrive: a network namespace of the daemon's own behind one interface of the LAN.

The namespace has no name. It lives as long as a socket in it: with the daemon it is gone, and the veth pair that leads
there too. In it every address is local: a socket sees the address that a client asked, and may answer from it.
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

SIOCGIFHWADDR: Final = 0x8927  # SIOCGIFHWADDR
ARPHRD_ETHER: Final = 1  # ARPHRD_ETHER
# Of a door behind an interface that has no MAC address (locally administered, IEEE 802 section 8.4).
DOOR_MAC: Final = bytes.fromhex("026777646f72")
SIOCGIFMTU: Final = 0x8921
FAR_END: Final = "lan"
ETHERNET_MTU: Final = 1500
LOCAL_TABLE: Final = 100


@final
class NamespaceLink:
    """The way from one interface into a namespace of its own; `near` is the veth end in the gateway's namespace.

    Both ends have the interface's MAC as it is now, or `mac` where that is given, and there need be no interface then;
    `mac` and `mtu` are theirs. An interface that is not `ethernet` has no MAC address: its packets have no header.
    `far` is the index of the far end in the namespace: what leaves there with a mark comes in by the interface, as if
    a client had sent it (`netlink/injection.py`). Raises MachineError where the namespace or the pair cannot be made.
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
                remove_link(near)  # left by a daemon that was killed a moment ago
            self._place = NetNamespace()
            self._build(self._place)
        except (OSError, MachineError) as failure:
            self.close()
            what = f"the diversion of {interface}" if interface else f"the way behind {near}"
            raise MachineError(f"{what}: {failure}") from failure

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of the namespace. It sees what clients sent to port 53 of any address there is. Raises OSError."""
        if self._place is None:
            raise MachineError(f"the diversion of {self.interface} is closed")
        return self._place.make_socket(family, kind, protocol)

    def close(self) -> None:
        """Removes the pair; the namespace goes with the last of its sockets."""
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
    """Routes in both directions, for a namespace that has the far end and nothing else."""
    set_up(netlink, LOOPBACK)
    set_up(netlink, FAR_END, arp=False)
    for family in families():
        add_default(netlink, family, far)
        add_everything_local(netlink, family, FAR_END, far, LOCAL_TABLE)


def look_at_link(name: str) -> tuple[bytes, int]:
    """MAC, `b""` where the link has none, and MTU. Raises OSError where there is no such link."""
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
