"""Holds a network namespace and creates sockets in it for the parent process. A program, started by `namespace.py`.

Standard input is a SOCK_SEQPACKET channel. The program sends the namespace's descriptor first, then a socket for each
request (family, type, protocol), each with an errno that is 0 on success. It imports nothing of gatewatch, starts in
about 20 ms, and exits when the channel closes. With `--placed` the service manager has already created the namespace.
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


SO_NETNS_COOKIE = 71
FIRST = 1  # cookie of the machine's initial network namespace
PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def open_ports() -> None:
    """Allows unprivileged sockets of this namespace to bind to port 53. Raises OSError.

    A service manager without support for network namespaces starts this program in the machine's initial
    one, which this function rejects.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        if int.from_bytes(any_socket.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), sys.byteorder) == FIRST:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    with open(PORTS, "w", encoding="ascii") as file:
        file.write("0")


def leave() -> None:
    """Enters a new network namespace, inside a new user namespace if that is not permitted. Raises OSError."""
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
    for number in (signal.SIGINT, signal.SIGTERM):  # may reach the whole group; the program exits with its channel
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ConnectionError), socket.socket(fileno=sys.stdin.fileno()) as own:
        serve(own)
