"""A netlink socket and the few shapes that all its messages have (linux/netlink.h).

Written here because the daemon asks the kernel few questions, thousands of times: pyroute2 takes 178 µs an entry of a
conntrack dump and 20 MB of memory.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, final

NETLINK_ROUTE: Final = 0  # NETLINK_ROUTE
NETLINK_NETFILTER: Final = 12  # NETLINK_NETFILTER
SOL_NETLINK: Final = 270
NETLINK_ADD_MEMBERSHIP: Final = 1
SO_RCVBUFFORCE: Final = 33
RECEIVE_BYTES: Final = 65_536

NLM_F_REQUEST: Final = 0x01
NLM_F_ACK: Final = 0x04
NLM_F_DUMP: Final = 0x300
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSGHDR: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
NLATTR: Final = struct.Struct("=HH")
NLA_TYPE_MASK: Final = 0x3FFF


class Overrun(OSError):
    """The kernel had more to tell than the socket's buffer holds: events are lost, ask for everything again."""


@final
class Netlink:
    """One socket, not blocking; subscribed to `groups`. Raises OSError without the privilege or the kernel's part.

    `made` is a socket of that protocol to be used instead of a new one, of another network namespace.
    """

    def __init__(
        self,
        protocol: int,
        groups: tuple[int, ...] = (),
        buffer_bytes: int = 1_048_576,
        made: socket.socket | None = None,
    ) -> None:
        self.socket = made or socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self.sequence = 0
        try:
            self.socket.setblocking(False)
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
            except PermissionError:  # without CAP_NET_ADMIN the system's maximum holds
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            self.socket.bind((0, 0))
            for group in groups:
                self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        except OSError:
            self.socket.close()
            raise

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, kind: int, flags: int, body: bytes) -> None:
        self.sequence += 1
        header = NLMSGHDR.pack(NLMSGHDR.size + len(body), kind, NLM_F_REQUEST | flags, self.sequence, 0)
        self.socket.send(header + body)

    def receive(self) -> bytes:
        """The next datagram, `b""` when none waits. Raises Overrun when some were lost."""
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise Overrun from error
            raise

    def dump(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """Every message of a dump as (type, body), waiting for its end. For small tables, at a quiet time."""
        self.send(kind, NLM_F_DUMP, body)
        found: list[tuple[int, bytes]] = []
        self.socket.settimeout(5)
        try:
            while True:
                for message, content in messages(self.receive()):
                    if message == NLMSG_DONE:
                        return found
                    if message == NLMSG_ERROR:
                        code = struct.unpack_from("=i", content)[0]
                        raise OSError(-code, "the kernel refused a netlink dump")
                    found.append((message, content))
        finally:
            self.socket.setblocking(False)

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Has the kernel change something and waits for its word. Raises OSError where it refuses."""
        self.send(kind, flags | NLM_F_ACK, body)
        self.socket.settimeout(5)
        try:
            for message, content in messages(self.receive()):
                code = struct.unpack_from("=i", content)[0] if message == NLMSG_ERROR else 0
                if code:
                    raise OSError(-code, os.strerror(-code))
        finally:
            self.socket.setblocking(False)

    def close(self) -> None:
        self.socket.close()


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of a datagram: type and what follows the header."""
    for _, kind, content in numbered(data):
        yield kind, content


def numbered(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The messages of a datagram: sequence number, type and what follows the header."""
    at = 0
    while at + NLMSGHDR.size <= len(data):
        length, kind, _, sequence, _ = NLMSGHDR.unpack_from(data, at)
        if length < NLMSGHDR.size:
            return
        yield sequence, kind, data[at + NLMSGHDR.size : at + length]
        at += (length + 3) & -4


def attributes(data: bytes, at: int) -> dict[int, bytes]:
    """The attributes from `at` on by their type; of a repeated one the last."""
    found: dict[int, bytes] = {}
    while at + NLATTR.size <= len(data):
        length, kind = NLATTR.unpack_from(data, at)
        if length < NLATTR.size:
            break
        found[kind & NLA_TYPE_MASK] = data[at + NLATTR.size : at + length]
        at += (length + 3) & -4
    return found


def attribute(kind: int, value: bytes, nested: bool = False) -> bytes:
    head = NLATTR.pack(NLATTR.size + len(value), kind | (0x8000 if nested else 0))
    return head + value + bytes(-len(value) % 4)
