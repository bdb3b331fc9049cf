"""The sockets of the sinkhole, and what Python's `socket` has no names for.

Diverted packets keep the addresses that the client gave them. A transparent socket takes them, ancillary data says
where they wanted to go, and answers must leave from there. For TCP the accepted socket does that by itself. A UDP
socket would have to be bound to the asked address and port: that fails where a resolver of this machine holds port 53
at every address, and where it does not fail, it takes that resolver's packets. So UDP answers leave through a raw
socket, which binds to nothing.
"""

import ctypes
import socket
import struct
from collections.abc import Callable
from typing import Final, TypeAlias, final

IP_TRANSPARENT: Final = 19
IP_RECVORIGDSTADDR: Final = 20
IP_PKTINFO: Final = 8
IP_MTU_DISCOVER: Final = 10
IPV6_TRANSPARENT: Final = 75
IPV6_RECVORIGDSTADDR: Final = 74
IPV6_MTU_DISCOVER: Final = 23
PMTUDISC_DONT: Final = 0
SO_RCVBUFFORCE: Final = 33
SO_ATTACH_FILTER: Final = 26
UDP_HEADER: Final = 8
BUFFER_BYTES: Final = 2_097_152
BACKLOG: Final = 256

# Makes a socket of a family, type and protocol, perhaps in another network namespace.
MakeSocket: TypeAlias = Callable[[int, int, int], socket.socket]
# What `recvfrom` gives: host and port, for IPv6 also flow label and scope.
Peer: TypeAlias = tuple[str, int] | tuple[str, int, int, int]

_DROP_ALL: Final = struct.pack("=HBBI", 0x06, 0, 0, 0)  # BPF: return 0
_UDP: Final = struct.Struct("!HHHH")


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(peer: Peer) -> bytes:
    """A peer's packed address."""
    host = peer[0]
    if len(peer) == 2:
        return socket.inet_aton(host)
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])


def set_mark(target: socket.socket, mark: int) -> None:
    if mark:
        target.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)


def open_datagrams(make: MakeSocket, address: str, port: int, transparent: bool, mark: int) -> socket.socket:
    """A UDP socket that listens there; a transparent one tells the original destination of each datagram."""
    family = family_of(address)
    listener = make(family, socket.SOCK_DGRAM, 0)
    try:
        _prepare(listener, family, transparent, mark)
        _widen(listener)
        if transparent:
            level, option = _original(family)
            listener.setsockopt(level, option, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener


def open_stream(make: MakeSocket, address: str, port: int, transparent: bool, mark: int) -> socket.socket:
    """A TCP socket that listens there."""
    family = family_of(address)
    listener = make(family, socket.SOCK_STREAM, 0)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _prepare(listener, family, transparent, mark)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _prepare(target: socket.socket, family: int, transparent: bool, mark: int) -> None:
    target.setblocking(False)
    set_mark(target, mark)
    if family == socket.AF_INET6 and target.type != socket.SOCK_RAW:
        target.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if transparent:
        v6 = family == socket.AF_INET6
        target.setsockopt(
            socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, IPV6_TRANSPARENT if v6 else IP_TRANSPARENT, 1
        )


def _widen(target: socket.socket) -> None:
    try:
        target.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:  # without CAP_NET_ADMIN the system's maximum holds
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def _original(family: int) -> tuple[int, int]:
    """Level and type of the control message that holds the original destination."""
    if family == socket.AF_INET6:
        return socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR
    return socket.IPPROTO_IP, IP_RECVORIGDSTADDR


def original_destination(controls: list[tuple[int, int, bytes]]) -> tuple[bytes, int] | None:
    """Packed address and port that a datagram was sent to (a `sockaddr_in` or `sockaddr_in6`)."""
    for level, kind, data in controls:
        if level == socket.IPPROTO_IP and kind == IP_RECVORIGDSTADDR:
            return data[4:8], data[2] << 8 | data[3]
        if level == socket.IPPROTO_IPV6 and kind == IPV6_RECVORIGDSTADDR:
            return data[8:24], data[2] << 8 | data[3]
    return None


@final
class AnyoneSocket:
    """Sends UDP datagrams from any address and port, and receives nothing."""

    def __init__(self, make: MakeSocket, family: int, mark: int) -> None:
        self._v6 = family == socket.AF_INET6
        self._socket = make(family, socket.SOCK_RAW, socket.IPPROTO_UDP)
        try:
            self._drop_everything()
            _prepare(self._socket, family, True, mark)
            # Large answers go in fragments, as the resolver would have sent them.
            if self._v6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
            else:
                self._socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
        except OSError:
            self._socket.close()
            raise

    def _drop_everything(self) -> None:
        """A raw socket gets a copy of every datagram of the machine, unless a filter refuses them."""
        program = ctypes.create_string_buffer(_DROP_ALL)
        descriptor = struct.pack("HP", 1, ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, descriptor)

    def send(self, data: bytes, source: bytes, port: int, peer: Peer) -> None:
        """Raises OSError, also where the buffer is full."""
        target = packed(peer)
        length = UDP_HEADER + len(data)
        head = _UDP.pack(port, peer[1], length, 0)
        checksum = _checksum(source + target + struct.pack("!II", length, socket.IPPROTO_UDP) + head + data)
        head = _UDP.pack(port, peer[1], length, checksum)
        if self._v6:
            scope = peer[3] if len(peer) == 4 else 0
            control = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + struct.pack("=I", scope))
            self._socket.sendmsg([head, data], [control], 0, (peer[0], 0, 0, scope))
        else:
            control = (socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, source, b"\0\0\0\0"))
            self._socket.sendmsg([head, data], [control], 0, (peer[0], 0))

    def close(self) -> None:
        self._socket.close()


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): a sum of 16-bit words with the carries folded in is the rest by 65,535."""
    if len(data) % 2:
        data += b"\0"
    rest = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - rest  # never 0, which would mean that there is none (RFC 768)
