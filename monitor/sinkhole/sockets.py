"""The sockets that clients connect to, and constants that Python's `socket` lacks.

Diverted packets keep their original addresses. They arrive in a network namespace where every address is local and no
other socket listens (`kernel/netns/namespace_link.py`), at sockets bound to the wildcard address. For UDP, the packet
information (RFC 3542 section 6; for IPv4 ip(7)) contains the queried address, from which the answer is sent; for TCP,
the queried address is the local address of the accepted socket.
"""

import socket
import struct
from collections.abc import Callable
from typing import Final, TypeAlias, final

IP_TRANSPARENT: Final = 19
IP_PKTINFO: Final = 8
IP_MTU_DISCOVER: Final = 10
IPV6_TRANSPARENT: Final = 75
IPV6_MTU_DISCOVER: Final = 23
PMTUDISC_DONT: Final = 0
SO_RCVBUFFORCE: Final = 33
SO_MEMINFO: Final = 55
MEMINFO_BYTES: Final = 36
DROPS_AT: Final = 32
BUFFER_BYTES: Final = 2_097_152
BACKLOG: Final = 256
WILDCARDS: Final = ("0.0.0.0", "::")

# Makes a socket of a family, type and protocol, possibly in another network namespace.
MakeSocket: TypeAlias = Callable[[int, int, int], socket.socket]
# As `recvfrom` returns it: host and port, for IPv6 also flow label and scope.
Peer: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
Control: TypeAlias = tuple[int, int, bytes]

_WORD: Final = struct.Struct("=I")


@final
class Behind:
    """The network of the clients of a door (the listeners behind one interface). `scope` is the index of its link, 0 if
    unknown.

    `make` makes sockets that query resolvers from a client's own address; with None, this host's address is used.
    """

    __slots__ = ("make", "scope")

    def __init__(self, scope: int = 0, make: MakeSocket | None = None) -> None:
        self.scope = scope
        self.make = make


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(peer: Peer) -> bytes:
    """Returns a peer's packed address."""
    host = peer[0]
    if len(peer) == 2:
        return socket.inet_aton(host)
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])


def open_datagrams(make: MakeSocket, address: str, port: int) -> socket.socket:
    """Opens a UDP listener; on a wildcard address, it reports the destination address of each datagram."""
    family = family_of(address)
    listener = make(family, socket.SOCK_DGRAM, 0)
    try:
        _prepare(listener, family, address in WILDCARDS)
        _widen(listener)
        # Large answers are fragmented, as a resolver's own are.
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            listener.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
            listener.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener


def open_stream(make: MakeSocket, address: str, port: int) -> socket.socket:
    """Opens a TCP listener."""
    family = family_of(address)
    listener = make(family, socket.SOCK_STREAM, 0)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _prepare(listener, family, address in WILDCARDS)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _prepare(target: socket.socket, family: int, anywhere: bool) -> None:
    target.setblocking(False)
    if family == socket.AF_INET6:
        target.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if anywhere:
        be_anywhere(target)


def be_anywhere(target: socket.socket) -> None:
    """Lets the socket use addresses that are not configured (needs CAP_NET_ADMIN)."""
    if target.family == socket.AF_INET6:
        target.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        target.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)


def receive_info(target: socket.socket) -> None:
    """Lets the UDP socket send from any address, and report the destination address of each datagram."""
    be_anywhere(target)
    if target.family == socket.AF_INET6:
        target.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        target.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        target.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def _widen(target: socket.socket) -> None:
    try:
        target.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:  # without CAP_NET_ADMIN the system's maximum applies
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def unread(listener: socket.socket) -> int:
    """Returns the datagrams dropped for lack of buffer since the socket opened (`SK_MEMINFO_DROPS`), modulo 2**32."""
    drops: int = _WORD.unpack_from(listener.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO_BYTES), DROPS_AT)[0]
    return drops


def asked_address(controls: list[Control]) -> bytes:
    """Returns the packed destination of a datagram (`in_pktinfo`, `in6_pktinfo`), `b""` if `controls` lack it."""
    for level, kind, data in controls:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            return data[8:12]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return data[0:16]
    return b""


def answer_from(address: bytes, peer: Peer) -> Control:
    """Returns the control message that makes `address` the source of an answer to `peer`, in its scope (RFC 4007)."""
    return sent_from(address, 0 if len(peer) == 2 else peer[3])


def sent_from(address: bytes, scope: int) -> Control:
    """Returns the control message that makes `address` the source. `scope` is the link's index, unused for IPv4."""
    if len(address) == 4:
        return socket.IPPROTO_IP, IP_PKTINFO, b"\0\0\0\0" + address + b"\0\0\0\0"
    return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, address + _WORD.pack(scope)
