"""Cleans up after a killed flow: notifies the client with a reset or an ICMP error, and deletes the conntrack entry.

The kill set must contain the flow first. Otherwise the next packet of the flow would pass, and conntrack would create
an entry for it again, because it also tracks flows whose start it has not seen.
"""

import errno
import os
import socket
import struct
from typing import Final, final

from monitor.kernel.netlink.sockets import NETLINK_NETFILTER, NLM_F_ACK, NLMSG_ERROR, Netlink, attribute, messages
from monitor.model import KEY_V4, PROTOCOL_TCP, PROTOCOL_UDP, TCP_ACK, TCP_RST, key_source
from monitor.policy.table.rules import RESET_MARK
from monitor.wire.build.icmp import refusal_to_client
from monitor.wire.build.packets import packet_to_client

IPCTNL_MSG_CT_DELETE: Final = 0x0102  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
IPV6_HEADER_INCLUDED: Final = 36


@final
class Resets:
    """Raw sockets for IPv4 and, if the kernel has it, IPv6. Raises OSError without CAP_NET_RAW. `failed` counts packets
    that could not be sent.
    """

    def __init__(self) -> None:
        self.failed = 0
        self._v6: socket.socket | None = None
        self._v4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        try:
            self._v6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self._v6.setsockopt(socket.IPPROTO_IPV6, IPV6_HEADER_INCLUDED, 1)
        except OSError as error:
            if error.errno != errno.EAFNOSUPPORT:
                self._v4.close()
                raise
        for raw in [raw for raw in (self._v4, self._v6) if raw is not None]:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, RESET_MARK)

    def tell(self, key: bytes, acknowledgment: int) -> None:
        """Notifies the client that its flow ended, as the protocol allows. The arguments are those of `Kill`."""
        if key[-1] == PROTOCOL_UDP:
            self.refuse(key)
        else:
            if acknowledgment > 0:
                self.send(key, acknowledgment)
            # A client that has read more of the server's data drops that reset as old, and may have nothing to send.
            self.poke(key)

    def send(self, key: bytes, sequence: int) -> None:
        """Sends a TCP reset to the client; `key` is from client to server."""
        if key[-1] == PROTOCOL_TCP:
            self._send(key, packet_to_client(key, sequence, TCP_RST))

    def poke(self, key: bytes) -> None:
        """Makes the client of a TCP flow reveal its sequence number: it must answer a segment outside its window.

        The answer matches the kill set, whose rule resets the client with the number in the answer. A flow in
        mid-stream, whose sequence number is unknown here, can only be reset this way (RFC 9293 section 3.10.7.4).
        """
        if key[-1] == PROTOCOL_TCP:
            self._send(key, packet_to_client(key, int.from_bytes(os.urandom(4), "big"), TCP_ACK))

    def refuse(self, key: bytes) -> None:
        """Sends port unreachable to the client of a UDP flow. ICMP errors of the kernel itself are rate-limited."""
        if key[-1] == PROTOCOL_UDP:
            self._send(key, refusal_to_client(key))

    def _send(self, key: bytes, packet: bytes) -> None:
        client = key_source(key)
        try:
            if len(key) == KEY_V4:
                self._v4.sendto(packet, (socket.inet_ntop(socket.AF_INET, client), 0))
            elif self._v6 is not None:
                self._v6.sendto(packet, (socket.inet_ntop(socket.AF_INET6, client), 0))
        except OSError:
            self.failed += 1

    def close(self) -> None:
        self._v4.close()
        if self._v6 is not None:
            self._v6.close()


@final
class ConntrackDeleter:
    """Deletes conntrack entries. Raises OSError if the kernel has no conntrack."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_NETFILTER)

    def forget(self, key: bytes) -> bool:
        """Deletes the entry of a flow; `key` is its original direction. Returns False if there is no entry."""
        half = 4 if len(key) == KEY_V4 else 16
        first = 1 if half == 4 else 3
        addresses = attribute(first, key[:half]) + attribute(first + 1, key[half : 2 * half])
        ports = key[2 * half :]
        protocol = attribute(1, ports[4:5]) + attribute(2, ports[:2]) + attribute(3, ports[2:4])
        flow = attribute(1, addresses, nested=True) + attribute(2, protocol, nested=True)
        family = socket.AF_INET if half == 4 else socket.AF_INET6
        self._netlink.send(
            IPCTNL_MSG_CT_DELETE, NLM_F_ACK, struct.pack("!BBH", family, 0, 0) + attribute(1, flow, nested=True)
        )
        for message, content in messages(self._netlink.receive()):
            code = -struct.unpack_from("=i", content)[0] if message == NLMSG_ERROR else 0
            if code not in (0, errno.ENOENT):
                raise OSError(code, "conntrack keeps an entry")
            return code == 0
        return False

    def close(self) -> None:
        self._netlink.close()
