"""The self-test's own client: a veth pair with one end among the LAN interfaces, and a client behind the other end.

Its packets meet the same rules as those of a real client, unlike packets from a socket on the gateway. None of its
frames reaches a real link: its addresses are routed back to the pair. Their neighbour entries have an unused MAC
address, so the TCP stack of the far end does not respond to hand-made frames.
"""

import contextlib
import socket
from pathlib import Path
from typing import Final, final

from monitor.errors import MachineError
from monitor.kernel.netlink.links import add_neighbour, add_route, families
from monitor.kernel.netlink.sockets import NETLINK_ROUTE, Netlink
from monitor.kernel.netns.namespace_link import FAR_END, NamespaceLink
from monitor.policy.table.probe import PROBE, PROBE_V4, PROBE_V6, ProbeAddresses

PROBE_MAC: Final = bytes.fromhex("026777707262")
NOBODYS_MAC: Final = bytes.fromhex("026777000000")
ETH_P_ALL: Final = 0x0003
FORWARDING: Final = (
    (PROBE_V4, Path("/proc/sys/net/ipv4/ip_forward")),
    (PROBE_V6, Path("/proc/sys/net/ipv6/conf/all/forwarding")),
)
# Forwarding may be enabled while IPv6 is disabled: then no link has an IPv6 route, and neither does the probe.
NO_IPV6: Final = Path(f"/proc/sys/net/ipv6/conf/{PROBE}/disable_ipv6")


@final
class ProbeLink:
    """The veth pair, kept while the daemon enforces bans. Raises MachineError if it cannot be created.

    `known` has the addresses of each family that the kernel supports, `forwarded` of each family this host forwards.
    """

    def __init__(self) -> None:
        self._door = NamespaceLink("", PROBE, PROBE_MAC)
        self.known = (PROBE_V4, PROBE_V6) if socket.AF_INET6 in families() else (PROBE_V4,)
        self.forwarded: tuple[ProbeAddresses, ...] = ()
        try:
            self._furnish()
        except OSError as failure:
            self.close()
            raise MachineError(f"the way behind {PROBE}: {failure.strerror or failure}") from failure

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Returns a socket behind the far end. With IP_TRANSPARENT it can use any address."""
        return self._door.make_socket(family, kind, protocol)

    def open_frames(self) -> socket.socket:
        """Returns a non-blocking socket that sends and receives whole frames at the far end."""
        frames = self.make_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        try:
            frames.setblocking(False)
            frames.bind((FAR_END, ETH_P_ALL))
        except OSError:
            frames.close()
            raise
        return frames

    def is_there(self) -> bool:
        """False if the veth pair was removed."""
        with contextlib.suppress(OSError):
            return socket.if_nametoindex(PROBE) > 0
        return False

    def close(self) -> None:
        self._door.close()

    def _furnish(self) -> None:
        """Adds routes and neighbour entries on the gateway's side. The kernel removes them with the link."""
        off = PROBE_V6 if is_on(NO_IPV6) or PROBE_V6 not in self.known else None
        self.forwarded = tuple([addresses for addresses, path in FORWARDING if addresses is not off and is_on(path)])
        netlink = Netlink(NETLINK_ROUTE)
        try:
            index = socket.if_nametoindex(PROBE)
            for addresses in self.forwarded:
                add_route(netlink, addresses.prefix, addresses.bits, index)
                for address in (addresses.client, addresses.server, addresses.banned):
                    add_neighbour(netlink, address, NOBODYS_MAC, index)
        finally:
            netlink.close()


def is_on(path: Path) -> bool:
    try:
        return path.read_text().strip() != "0"
    except OSError:
        return False
