"""A network namespace of the daemon's own, reached through a small process that lives in it (`namespace_child.py`).

Making a network namespace needs CAP_SYS_ADMIN, which the service does not have. Its service manager makes one for it:
who connects to the socket that `GATEWATCH_PLACE` names gets a process in a fresh one. Elsewhere the process is a child
of ours, which is in one by its own right or, where it has none, in a user namespace made around it, in which
everybody may. Nobody with threads can enter such a one; but whoever owns it may do everything with what belongs to it
(user_namespaces(7)), so binding to port 53, setting up links and moving a veth end there are done here. The process
ends when its channel closes, as it does however the daemon dies, and the namespace goes with the last socket in it.
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
REPLY: Final = struct.Struct("=i")  # an errno, 0 with a descriptor beside it
ANSWER_SECONDS: Final = 10.0
SIOCGIFINDEX: Final = 0x8933  # SIOCGIFINDEX
REQUEST_BYTES: Final = 40  # struct ifreq
IFNAMSIZ: Final = 16
HINTS: Final = {
    errno.EPERM: "without CAP_SYS_ADMIN it needs user namespaces: sysctl kernel.unprivileged_userns_clone=1 where "
    "there is such a key, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu",
    errno.ENOSPC: "sysctl user.max_user_namespaces and user.max_net_namespaces allow no more of them",
}


@final
class NetNamespace:
    """An empty namespace. `descriptor` leads to it, and holds it. Raises MachineError where there can be none."""

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
        """A socket of the namespace. Raises OSError."""
        self._channel.send(REQUEST.pack(family, kind, protocol))
        return socket.socket(fileno=self._take())

    def index_of(self, link: str) -> int:
        """The number of a link that is there. Raises OSError."""
        with self.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = link.encode()[: IFNAMSIZ - 1].ljust(REQUEST_BYTES, b"\0")
            index: int = struct.unpack_from("=i", fcntl.ioctl(any_socket, SIOCGIFINDEX, request), IFNAMSIZ)[0]
        return index

    def close(self) -> None:
        """Lets go of it: it is gone with the last of its sockets."""
        self._channel.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def _take(self) -> int:
        """The descriptor that the child passes, or its errno as OSError."""
        said, descriptors, _, _ = socket.recv_fds(self._channel, REPLY.size, 1)
        if len(said) < REPLY.size:
            raise ConnectionResetError(errno.ECONNRESET, "the process that holds the namespace has ended")
        (code,) = REPLY.unpack(said)
        if code or not descriptors:
            raise OSError(code, os.strerror(code))
        return descriptors[0]


def start_child(channel: socket.socket) -> "subprocess.Popen[bytes]":
    """In a session of its own: Ctrl-C is for the daemon."""
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    return subprocess.Popen(command, stdin=channel.fileno(), stdout=subprocess.DEVNULL, start_new_session=True)


def connect(manager: str) -> socket.socket:
    """The channel to a process that the service manager starts for it. Raises OSError."""
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
