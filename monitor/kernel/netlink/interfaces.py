"""The machine's interfaces, addresses, default routes and forwarding state (rtnetlink)."""

import contextlib
import socket
import struct
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from monitor.errors import MachineError
from monitor.kernel.netlink.sockets import NETLINK_ROUTE, Netlink, Overrun, attributes
from monitor.policy.table.probe import PROBE

RTM_GETLINK: Final = 18
RTM_GETADDR: Final = 22
RTM_GETROUTE: Final = 26
IFINFOMSG: Final = struct.Struct("=BxHiII")  # struct ifinfomsg: family, hardware, index, flags, change
IFADDRMSG: Final = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
RTMSG: Final = struct.Struct("=BBBBBBBBI")  # struct rtmsg: family, destination length, …, type, flags

IFLA_ADDRESS: Final = 1
IFLA_IFNAME: Final = 3
IFLA_MTU: Final = 4
IFLA_LINK: Final = 5
IFLA_MASTER: Final = 10
IFLA_LINKINFO: Final = 18
IFLA_INFO_KIND: Final = 1
IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2
RTA_OIF: Final = 4
RTA_MULTIPATH: Final = 9
RTN_UNICAST: Final = 1
IFF_UP: Final = 0x1
IFF_LOOPBACK: Final = 0x8
IFA_F_PERMANENT: Final = 0x80

VLAN: Final = "vlan"
MACVLAN: Final = "macvlan"
NEAR_END: Final = "gw-sink"  # name prefix of the near veth ends of the diversion's namespace links; a number follows
RTNLGRP_LINK: Final = 1
RTNLGRP_IPV4_IFADDR: Final = 5
RTNLGRP_IPV6_IFADDR: Final = 9
RTNLGRP_IPV4_NETCONF: Final = 24
RTNLGRP_IPV6_NETCONF: Final = 25
GROUPS: Final = (RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF)
FORWARDING: Final = (Path("/proc/sys/net/ipv4/ip_forward"), Path("/proc/sys/net/ipv6/conf/all/forwarding"))


@dataclass(frozen=True)
class Address:
    """An address of this machine and its on-link prefix length in bits; `leased` if it has a lifetime, as with DHCP."""

    packed: bytes
    length: int
    leased: bool = False


@dataclass(frozen=True)
class Interface:
    """`master` is the index of the bridge or bond that this interface is a port of, else 0. `parent` is the index of
    the link below a VLAN, macvlan or ipvlan interface, else 0.
    """

    index: int
    name: str
    kind: str
    up: bool
    loopback: bool
    master: int
    parent: int
    addresses: tuple[Address, ...]
    mac: bytes = b""
    mtu: int = 0


@dataclass(frozen=True)
class Machine:
    """A snapshot without the veth pairs that gatewatch created. `default_routes` has the names of the interfaces that
    a default route leaves through.
    """

    interfaces: tuple[Interface, ...]
    default_routes: frozenset[str]
    forwarding: bool

    def interface(self, name: str) -> Interface | None:
        return next((interface for interface in self.interfaces if interface.name == name), None)

    def with_parts(self, names: Sequence[str]) -> tuple[str, ...]:
        """Returns the names, then the interfaces stacked on them (VLAN, macvlan, ipvlan) without a default route.

        The capture on the lower interface already includes their frames, but rules match their packets by the upper
        interface. If some VLANs of an interface are in `names`, its other VLANs are left out.
        """
        indexes = {interface.index for interface in self.interfaces if interface.name in names}
        found = list(names)
        split = {one.parent for one in self.interfaces if one.name in names and one.kind == VLAN}
        for _ in self.interfaces:
            parts = [
                interface
                for interface in self.interfaces
                if interface.parent in indexes
                and interface.name not in found
                and interface.name not in self.default_routes
                and not (interface.kind == VLAN and interface.parent in split)
            ]
            if not parts:
                break
            indexes |= {interface.index for interface in parts}
            found += [interface.name for interface in parts]
        return tuple(found)


def look_at_machine() -> Machine:
    """Reads the machine's current state. Raises MachineError if the kernel does not answer."""
    try:
        with closing(Netlink(NETLINK_ROUTE)) as netlink:
            return _look(netlink)
    except OSError as error:
        raise MachineError(f"cannot read the interfaces from the kernel: {error.strerror or error}") from error


def _look(netlink: Netlink) -> Machine:
    links = netlink.dump(RTM_GETLINK, IFINFOMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    addresses = _addresses(netlink)
    everything = [_interface(body, addresses) for _, body in links]
    interfaces = tuple(interface for interface in everything if not is_own(interface.name))
    names = {interface.index: interface.name for interface in interfaces}
    defaults = frozenset(names[index] for index in _default_routes(netlink) if index in names)
    return Machine(interfaces, defaults, _is_forwarding())


def is_own(name: str) -> bool:
    """Whether gatewatch created this interface."""
    return name == PROBE or (name.startswith(NEAR_END) and name[len(NEAR_END) :].isdigit())


def _interface(body: bytes, addresses: dict[int, list[Address]]) -> Interface:
    _, _, index, flags, _ = IFINFOMSG.unpack_from(body)
    found = attributes(body, IFINFOMSG.size)
    kind = attributes(found.get(IFLA_LINKINFO, b""), 0).get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode()
    return Interface(
        index,
        found[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace"),
        kind,
        bool(flags & IFF_UP),
        bool(flags & IFF_LOOPBACK),
        _number(found.get(IFLA_MASTER, b"")),
        _number(found.get(IFLA_LINK, b"")) if kind in (VLAN, MACVLAN, "ipvlan") else 0,
        tuple(addresses.get(index, ())),
        found.get(IFLA_ADDRESS, b""),
        _number(found.get(IFLA_MTU, b"")),
    )


def _addresses(netlink: Netlink) -> dict[int, list[Address]]:
    by_index: dict[int, list[Address]] = {}
    for _, body in netlink.dump(RTM_GETADDR, IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        _, length, flags, _, index = IFADDRMSG.unpack_from(body)
        found = attributes(body, IFADDRMSG.size)
        packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS, b"")  # IFA_ADDRESS may be the peer's address
        if packed:
            by_index.setdefault(index, []).append(Address(packed, length, not flags & IFA_F_PERMANENT))
    return by_index


def _default_routes(netlink: Netlink) -> set[int]:
    indexes: set[int] = set()
    for _, body in netlink.dump(RTM_GETROUTE, RTMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, length, _, _, _, _, _, kind, _ = RTMSG.unpack_from(body)
        if length or kind != RTN_UNICAST:
            continue
        found = attributes(body, RTMSG.size)
        indexes.add(_number(found.get(RTA_OIF, b"")))
        hops = found.get(RTA_MULTIPATH, b"")
        while len(hops) >= 8:  # struct rtnexthop: length, flags, hops, index
            size, _, _, index = struct.unpack_from("=HBBi", hops)
            indexes.add(index)
            hops = hops[max(size, 8) :]
    return indexes - {0}


def _is_forwarding() -> bool:
    for path in FORWARDING:
        with contextlib.suppress(OSError):
            if path.read_text().strip() != "0":
                return True
    return False


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little") if len(value) == 4 else 0


@final
class LinkEvents:
    """Reports that links, addresses or forwarding changed. `look_at_machine` returns their new state."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE, GROUPS)

    def fileno(self) -> int:
        return self._netlink.fileno()

    def read(self) -> bool:
        """Reads all pending events. True if there was any, or if some were lost."""
        changed = False
        while True:
            try:
                if not self._netlink.receive():
                    return changed
            except Overrun:
                pass
            changed = True

    def close(self) -> None:
        self._netlink.close()
