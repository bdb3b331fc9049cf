"""A netlink socket and the structures shared by all netlink messages (linux/netlink.h).

This replaces pyroute2 because the daemon sends few kinds of requests, thousands of times each: pyroute2 takes 178 µs
per entry of a conntrack dump and 20 MB of memory.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, final

NETLINK_ROUTE: Final = 0
NETLINK_NETFILTER: Final = 12
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
    """The socket's buffer overflowed and events are lost: request everything again."""


@final
class Netlink:
    """One non-blocking socket, subscribed to `groups`. Raises OSError if the privilege or kernel support is missing.

    `made` is an existing socket of that protocol to use instead of a new one, for another network namespace.
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
            except PermissionError:  # without CAP_NET_ADMIN net.core.rmem_max applies
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
        """Returns the next datagram, `b""` if none is pending. Raises Overrun if some were lost."""
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise Overrun from error
            raise

    def dump(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """Returns all messages of a dump as (type, body); blocks until its end. For small tables, read rarely."""
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
        """Sends a change and waits for the acknowledgment. Raises OSError if the kernel rejects it."""
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
    """Yields the messages of a datagram: type and body."""
    for _, kind, content in numbered(data):
        yield kind, content


def numbered(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields the messages of a datagram: sequence number, type and body."""
    at = 0
    while at + NLMSGHDR.size <= len(data):
        length, kind, _, sequence, _ = NLMSGHDR.unpack_from(data, at)
        if length < NLMSGHDR.size:
            return
        yield sequence, kind, data[at + NLMSGHDR.size : at + length]
        at += (length + 3) & -4


def attributes(data: bytes, at: int) -> dict[int, bytes]:
    """Returns the attributes from offset `at` on, by type. If an attribute is repeated, the last one is returned."""
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
