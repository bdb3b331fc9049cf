"""A network namespace of the daemon, held by a small child process that runs in it (`namespace_child.py`).

Creating a network namespace needs CAP_SYS_ADMIN, which the service does not have. If `GATEWATCH_PLACE` names a socket,
the service manager starts one process in a new network namespace for each connection to it. Otherwise the daemon starts
the process as a child, which creates the namespace itself, inside a new user namespace if it lacks CAP_SYS_ADMIN. A
process with threads cannot enter a user namespace, but the owner of the user namespace has all capabilities over what
belongs to it (user_namespaces(7)), so the daemon binds to port 53, sets up links and moves a veth end into the network
namespace itself. The process exits when its channel closes, however the daemon exits. The network namespace exists
until its last socket closes.
"""

import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final, final

from monitor.errors import MachineError

PROGRAM: Final = Path(__file__).with_name("namespace_child.py")
HERE: Final = "/proc/thread-self/ns/net"
MANAGER: Final = "GATEWATCH_PLACE"
REQUEST: Final = struct.Struct("=iii")  # family, type, protocol
REPLY: Final = struct.Struct("=i")  # an errno; 0 if a descriptor is attached
ANSWER_SECONDS: Final = 10.0
SIOCGIFINDEX: Final = 0x8933
REQUEST_BYTES: Final = 40  # struct ifreq
IFNAMSIZ: Final = 16
HINTS: Final = {
    errno.EPERM: "without CAP_SYS_ADMIN it needs user namespaces: sysctl kernel.unprivileged_userns_clone=1 where "
    "there is such a key, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu",
    errno.ENOSPC: "sysctl user.max_user_namespaces and user.max_net_namespaces allow no more of them",
}


@final
class NetNamespace:
    """An empty network namespace. `descriptor` refers to it and keeps it alive. Raises MachineError on failure."""

    def __init__(self) -> None:
        self._channel, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._child: subprocess.Popen[bytes] | None = None
        self.descriptor = -1
        manager = os.environ.get(MANAGER, "")
        try:
            with far:
                if manager:
                    self._channel.close()
                    self._channel = connect(manager)
                else:
                    self._child = start_child(far)
            self._channel.settimeout(ANSWER_SECONDS)
            self.descriptor = self._take()
            if os.fstat(self.descriptor).st_ino == os.stat(HERE).st_ino:
                raise OSError(errno.EEXIST, "it is the one that we are in")
        except OSError as error:
            self.close()
            raise MachineError(refusal(error, manager)) from error

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Returns a socket in the namespace. Raises OSError."""
        self._channel.send(REQUEST.pack(family, kind, protocol))
        return socket.socket(fileno=self._take())

    def index_of(self, link: str) -> int:
        """Returns the index of a link in the namespace. Raises OSError."""
        with self.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = link.encode()[: IFNAMSIZ - 1].ljust(REQUEST_BYTES, b"\0")
            index: int = struct.unpack_from("=i", fcntl.ioctl(any_socket, SIOCGIFINDEX, request), IFNAMSIZ)[0]
        return index

    def close(self) -> None:
        """Releases the namespace. The kernel removes it when its last socket closes."""
        self._channel.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def _take(self) -> int:
        """Returns the descriptor that the child sends. Raises OSError with the child's errno."""
        said, descriptors, _, _ = socket.recv_fds(self._channel, REPLY.size, 1)
        if len(said) < REPLY.size:
            raise ConnectionResetError(errno.ECONNRESET, "the process that holds the namespace has ended")
        (code,) = REPLY.unpack(said)
        if code or not descriptors:
            raise OSError(code, os.strerror(code))
        return descriptors[0]


def start_child(channel: socket.socket) -> "subprocess.Popen[bytes]":
    """Starts the child in a new session, so that Ctrl-C reaches only the daemon."""
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    return subprocess.Popen(command, stdin=channel.fileno(), stdout=subprocess.DEVNULL, start_new_session=True)


def connect(manager: str) -> socket.socket:
    """Returns the channel to a process that the service manager starts on connection. Raises OSError."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        channel.connect(manager)
    except OSError:
        channel.close()
        raise
    return channel


def refusal(error: OSError, manager: str) -> str:
    hint = f"asked {manager}: is gatewatch-place.socket active?" if manager else HINTS.get(error.errno or 0, "")
    return f"no network namespace of our own: {error.strerror or error}" + (f" ({hint})" if hint else "")
