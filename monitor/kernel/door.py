"""Where diverted questions arrive: a network namespace of the daemon's own behind one interface of the LAN.

The namespace has no name. It lives as long as a socket in it: with the daemon it is gone, and the veth pair that leads
there too. In it every address is local: a socket sees the address that a client asked, and may answer from it.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Final, TypeVar, final

from monitor.errors import MachineError
from monitor.kernel.links import (
    LOOPBACK,
    add_default,
    add_everything_local,
    add_veth,
    delete_link,
    set_up,
)
from monitor.kernel.netlink import ROUTE, Netlink

GET_MAC: Final = 0x8927  # SIOCGIFHWADDR
GET_MTU: Final = 0x8921
CLONE_NEWNET: Final = 0x40000000
FAR_END: Final = "lan"
LOCAL_TABLE: Final = 100

T = TypeVar("T")


@final
class Door:
    """The way from one interface into a namespace of its own; `near` is the veth end in the gateway's namespace.

    Raises MachineError where the namespace or the pair cannot be made.
    """

    def __init__(self, interface: str, near: str) -> None:
        self.interface = interface
        self.near = near
        self._place = -1
        try:
            with contextlib.suppress(OSError):
                remove_link(near)  # left by a daemon that was killed a moment ago
            in_thread(self._build)
        except (OSError, MachineError) as failure:
            self.close()
            raise MachineError(f"the diversion of {interface}: {failure}") from failure

    def make_socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of the namespace. It sees what clients sent to port 53 of any address there is."""
        return in_thread(lambda: self._enter_and_make(family, kind, protocol))

    def close(self) -> None:
        """Removes the pair; the namespace goes with the last of its sockets."""
        if self._place >= 0:
            os.close(self._place)
            self._place = -1
        with contextlib.suppress(OSError):
            remove_link(self.near)

    def _build(self) -> None:
        """In a thread of its own, which leaves the daemon's namespace for good."""
        outside = Netlink(ROUTE)
        try:
            mac, mtu = look_at_link(self.interface)
            change_namespace("unshare", CLONE_NEWNET)
            self._place = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            add_veth(outside, self.near, FAR_END, mac, mtu, self._place)
            set_up(outside, self.near, arp=False)
        finally:
            outside.close()
        inside = Netlink(ROUTE)
        try:
            furnish(inside)
        finally:
            inside.close()

    def _enter_and_make(self, family: int, kind: int, protocol: int) -> socket.socket:
        change_namespace("setns", self._place, CLONE_NEWNET)
        return socket.socket(family, kind, protocol)


def in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, done by a thread that ends with it: what changes namespace must not come back."""
    results: list[T] = []
    failures: list[Exception] = []

    def do() -> None:
        try:
            results.append(work())
        except Exception as failure:
            failures.append(failure)

    thread = threading.Thread(target=do, name="gatewatch-door")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def furnish(netlink: Netlink) -> None:
    """Routes in both directions, for a namespace that has the far end and nothing else."""
    far = socket.if_nametoindex(FAR_END)
    set_up(netlink, LOOPBACK)
    set_up(netlink, FAR_END, arp=False)
    for family in (socket.AF_INET, socket.AF_INET6):
        add_default(netlink, family, far)
        add_everything_local(netlink, family, FAR_END, far, LOCAL_TABLE)


def change_namespace(call: str, *arguments: int) -> None:
    """Moves the calling thread, and only it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[call](*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise MachineError(f"no network namespace of our own: {reason} (CAP_SYS_ADMIN is needed for it)")


def look_at_link(name: str) -> tuple[bytes, int]:
    """MAC and MTU: the far end has the same, so that frames to the gateway are for it. Raises OSError without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = name.encode()[:15].ljust(40, b"\0")
        mac = fcntl.ioctl(any_socket, GET_MAC, request)[18:24]
        mtu = struct.unpack_from("=i", fcntl.ioctl(any_socket, GET_MTU, request), 16)[0]
    return mac, mtu


def remove_link(name: str) -> None:
    netlink = Netlink(ROUTE)
    try:
        delete_link(netlink, socket.if_nametoindex(name))
    finally:
        netlink.close()
