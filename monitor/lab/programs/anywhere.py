"""UDP at every address of a namespace: each answer is sent from the address that received the query.

A socket bound to the wildcard address would answer from the address that the route prefers. The packet information of
RFC 3542 section 6 (for IPv4 ip(7)) contains the queried address, and sets the source of the answer.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

IP_PKTINFO: Final = 8
BATCH: Final = 64
LARGEST_DATAGRAM: Final = 65_535

# The client's address as returned by the socket, and the control message that sets the source of the answer.
Peer = tuple[object, ...]


class UdpAnywhere:
    """A UDP port of one family, at all addresses.

    `receive(data, peer)` is called for each datagram; `sendto(data, peer)` answers it. Implements the methods of an
    asyncio transport that aioquic's server uses.
    """

    def __init__(self, family: int, port: int, receive: Callable[[bytes, Peer], None]) -> None:
        self._receive = receive
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.bind(("", port))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data, control, _, address = self._socket.recvmsg(LARGEST_DATAGRAM, 256)
            except OSError:
                return
            local = asked_address(control)
            if local:
                self._receive(data, (*address, local))

    def sendto(self, data: bytes, peer: Peer) -> None:
        *address, local = peer
        assert isinstance(local, bytes)
        try:
            self._socket.sendmsg([data], [answer_from(local)], 0, tuple(address))
        except OSError:
            # the buffer is full or the client has gone; UDP drops such datagrams
            return

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


def heard_late(receive: Callable[[bytes, Peer], None], delay: float) -> Callable[[bytes, Peer], None]:
    """Returns a callback that calls `receive` `delay` seconds after each datagram has arrived."""
    if not delay:
        return receive

    def hear(data: bytes, peer: Peer) -> None:
        asyncio.get_running_loop().call_later(delay, receive, data, peer)

    return hear


def asked_address(control: list[tuple[int, int, bytes]]) -> bytes:
    """Returns the packed address that a datagram was sent to."""
    for level, kind, data in control:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            return data[8:12]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return data[0:16]
    return b""


def answer_from(local: bytes) -> tuple[int, int, bytes]:
    if len(local) == 4:
        return socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, local, bytes(4))
    return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16sI", local, 0)
