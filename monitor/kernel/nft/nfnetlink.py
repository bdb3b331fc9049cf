"""nfnetlink: atomic batches to nftables, and dumps from it (linux/netfilter/nfnetlink.h).

A batch is one datagram: BATCH_BEGIN, messages, BATCH_END. The kernel processes it inside `send`, so the response is
already queued when `send` returns: nothing here blocks.
"""

import errno
import socket
import struct
from typing import Final, final

from monitor.errors import MachineError
from monitor.kernel.netlink.sockets import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    NLMSGHDR,
    SOL_NETLINK,
    Netlink,
    Overrun,
    numbered,
)

NFNL_SUBSYS_NFTABLES: Final = 10
NFNL_MSG_BATCH_BEGIN: Final = 0x10
NFNL_MSG_BATCH_END: Final = 0x11
NLM_F_CREATE: Final = 0x400
NFPROTO_INET: Final = 1
NFPROTO_NETDEV: Final = 5
NFPROTO_UNSPEC: Final = 0

NFT_MSG_DELTABLE: Final = NFNL_SUBSYS_NFTABLES << 8 | 2
NFT_MSG_NEWSETELEM: Final = NFNL_SUBSYS_NFTABLES << 8 | 12
NFT_MSG_DELSETELEM: Final = NFNL_SUBSYS_NFTABLES << 8 | 14

SO_SNDBUFFORCE: Final = 32
NETLINK_CAP_ACK: Final = 10
SEND_BUFFER_BYTES: Final = 67_108_864
TOO_LARGE: Final = [(-1, errno.EMSGSIZE)]
PRIVILEGE: Final = "changing nftables needs CAP_NET_ADMIN"


def message(kind: int, family: int, body: bytes, flags: int, sequence: int) -> bytes:
    """Returns a netlink message with its nfgenmsg. `body` must be padded."""
    head = NLMSGHDR.pack(NLMSGHDR.size + 4 + len(body), kind, NLM_F_REQUEST | flags, sequence, 0)
    return head + struct.pack("!BBH", family, 0, 0) + body


def batch_mark(kind: int, sequence: int) -> bytes:
    return NLMSGHDR.pack(NLMSGHDR.size + 4, kind, NLM_F_REQUEST, sequence, 0) + struct.pack(
        "!BBH", 0, 0, NFNL_SUBSYS_NFTABLES
    )


@final
class Batches:
    """The socket for batches. Raises OSError if the kernel has no nfnetlink."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_NETFILTER)
        self._sequence = 0
        try:
            self._netlink.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)  # an error does not include the batch
            self._netlink.socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES)
        except PermissionError as error:
            self._netlink.close()
            raise MachineError(PRIVILEGE) from error

    def send(self, parts: list[tuple[int, int, bytes]], family: int = NFPROTO_INET) -> list[tuple[int, int]]:
        """Sends (type, flags, body) messages as one transaction. Returns [] if it is in force, else the failures.

        A failure is (index in `parts`, errno); the kernel reports all of them. Returns `TOO_LARGE` if the kernel did
        not check the messages one by one. Raises MachineError without the privilege.
        """
        if not parts:
            return []
        self._drain()
        first = self._sequence + 1
        pieces = [batch_mark(NFNL_MSG_BATCH_BEGIN, self._sequence)]
        for offset, (kind, flags, body) in enumerate(parts):
            wanted = flags | (NLM_F_ACK if offset == len(parts) - 1 else 0)
            pieces.append(message(kind, family, body, wanted, first + offset))
        pieces.append(batch_mark(NFNL_MSG_BATCH_END, first + len(parts)))
        self._sequence = (first + len(parts) + 1) & 0x3FFFFFFF
        try:
            self._netlink.socket.send(b"".join(pieces))
        except OSError as error:
            if error.errno in (errno.EMSGSIZE, errno.ENOBUFS, errno.ENOMEM):
                return TOO_LARGE
            raise
        return self._verdict(first, len(parts))

    def _verdict(self, first: int, count: int) -> list[tuple[int, int]]:
        acknowledged = False
        refused: list[tuple[int, int]] = []
        while True:
            try:
                data = self._netlink.receive()
            except Overrun:
                self._drain()
                return TOO_LARGE
            if not data:
                break
            for sequence, code in errors(data):
                if code == errno.EPERM:
                    raise MachineError(PRIVILEGE)
                if code:
                    refused.append((sequence - first, code))
                acknowledged = acknowledged or sequence == first + count - 1
        if refused and all(0 <= index < count for index, _ in refused):
            return refused
        return [] if acknowledged and not refused else TOO_LARGE

    def _drain(self) -> None:
        while True:
            try:
                if not self._netlink.receive():
                    return
            except Overrun:
                continue

    def close(self) -> None:
        self._netlink.close()


def errors(data: bytes) -> list[tuple[int, int]]:
    """Returns (sequence, errno) of each NLMSG_ERROR message in a datagram; errno 0 is an acknowledgment."""
    return [
        (sequence, -struct.unpack_from("=i", content)[0])
        for sequence, kind, content in numbered(data)
        if kind == NLMSG_ERROR and len(content) >= 4
    ]
