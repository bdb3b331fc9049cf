"""Holds a network namespace and makes sockets in it for whoever started it: a program, run for `namespace.py`.

Standard input is a channel of packets. It sends the namespace's descriptor, then for each request (family, type,
protocol) the socket, each beside an errno that is 0 where all went well. It imports nothing of gatewatch, starts in
some 20 ms, and ends when the channel is closed. With `--placed` the service manager has put it into one already.
"""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
REQUEST = struct.Struct("=iii")
REPLY = struct.Struct("=i")


SO_NETNS_COOKIE = 71  # SO_NETNS_COOKIE
FIRST = 1  # the cookie of the namespace that the machine began with
PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def open_ports() -> None:
    """Whoever gets a socket of this namespace may bind it to port 53. Raises OSError.

    A service manager without network namespaces starts us all the same, in the machine's own.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        if int.from_bytes(any_socket.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), sys.byteorder) == FIRST:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    with open(PORTS, "w", encoding="ascii") as file:
        file.write("0")


def leave() -> None:
    """Enters a namespace that nobody else is in; where that is not allowed, inside a user namespace. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    for kinds in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET):
        if libc.unshare(kinds) == 0:
            return
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def answer(channel: socket.socket, request: bytes) -> None:
    try:
        with socket.socket(*REQUEST.unpack(request)) as made:
            socket.send_fds(channel, [REPLY.pack(0)], [made.fileno()])
    except OSError as error:
        channel.send(REPLY.pack(error.errno or 0))


def serve(channel: socket.socket) -> None:
    try:
        (open_ports if "--placed" in sys.argv else leave)()
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    except OSError as error:
        channel.send(REPLY.pack(error.errno or 0))
        return
    socket.send_fds(channel, [REPLY.pack(0)], [namespace])
    os.close(namespace)
    while request := channel.recv(REQUEST.size):
        answer(channel, request)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a service manager may tell everybody; our end is the daemon's
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ConnectionError), socket.socket(fileno=sys.stdin.fileno()) as own:
        serve(own)
