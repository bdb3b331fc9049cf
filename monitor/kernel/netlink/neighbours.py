"""The kernel's neighbour table: the MAC address of each neighbour on the captured interfaces."""

import socket
import struct
from collections.abc import Mapping
from contextlib import closing
from typing import Final, final

from monitor.kernel.netlink.sockets import NETLINK_ROUTE, NLM_F_DUMP, Netlink, Overrun, attributes, messages
from monitor.model import Neighbour

RTM_NEWNEIGH: Final = 28
RTM_GETNEIGH: Final = 30
RTNLGRP_NEIGH: Final = 3
NDMSG: Final = struct.Struct("=BxxxiHBB")  # struct ndmsg: family, interface, state, flags, type
NDA_DST: Final = 1
NDA_LLADDR: Final = 2
UNKNOWN_STATES: Final = 0x01 | 0x20 | 0x40  # NUD_INCOMPLETE, NUD_FAILED, NUD_NOARP: no neighbour answered
EMPTY: Final = bytes(6)
DATAGRAMS_MAX: Final = 64


@final
class Neighbours:
    """The table and its later changes, over one socket. Raises OSError if the kernel rejects the request."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE, (RTNLGRP_NEIGH,))
        self.refresh()

    def fileno(self) -> int:
        return self._netlink.fileno()

    def refresh(self) -> None:
        """Requests the whole table again."""
        self._netlink.send(RTM_GETNEIGH, NLM_F_DUMP, NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))

    def read(self, now: float, places: Mapping[int, int]) -> list[Neighbour]:
        """Returns neighbours learned since the last call. `places` maps interface indexes to the capture's numbers."""
        found: list[Neighbour] = []
        for _ in range(DATAGRAMS_MAX):
            try:
                data = self._netlink.receive()
            except Overrun:
                self.refresh()
                continue
            if not data:
                break
            for kind, body in messages(data):
                neighbour = _neighbour(body, now, places) if kind == RTM_NEWNEIGH else None
                if neighbour is not None:
                    found.append(neighbour)
        return found

    def close(self) -> None:
        self._netlink.close()


def reachable(interface: int) -> list[bytes]:
    """Returns the packed addresses of neighbours on the interface with this index whose MAC address the kernel knows.

    Raises OSError if the kernel does not answer.
    """
    with closing(Netlink(NETLINK_ROUTE)) as netlink:
        bodies = netlink.dump(RTM_GETNEIGH, NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    found = [_neighbour(body, 0.0, {interface: 0}) for kind, body in bodies if kind == RTM_NEWNEIGH]
    return [neighbour.address for neighbour in found if neighbour is not None]


def _neighbour(body: bytes, now: float, places: Mapping[int, int]) -> Neighbour | None:
    _, index, state, _, _ = NDMSG.unpack_from(body)
    if index not in places or state & UNKNOWN_STATES:
        return None
    values = attributes(body, NDMSG.size)
    address = values.get(NDA_DST, b"")
    mac = values.get(NDA_LLADDR, b"")
    if len(address) not in (4, 16) or len(mac) != 6 or mac == EMPTY:
        return None
    return Neighbour(now, places[index], address, mac)
