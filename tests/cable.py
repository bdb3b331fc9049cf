"""A cable between two network namespaces, for tests that want the real kernel and nothing else."""

import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from monitor.lab.namespace import Namespace

NEAR_V4, FAR_V4 = "10.9.0.1", "10.9.0.2"
NEAR_V6, FAR_V6 = "fd09::1", "fd09::2"
NEAR_MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

_numbers = itertools.count()


@dataclass(frozen=True)
class Cable:
    """`v0` in `near`, with the first addresses, and `v1` in `far`, with the second ones."""

    near: Namespace
    far: Namespace

    def connect(self) -> None:
        """Makes the pair (again): addresses on both ends, both up, neighbours known."""
        peer = f"peer v1 address {FAR_MAC} netns {self.far.name}"
        ip(f"-n {self.near.name} link add v0 address {NEAR_MAC} type veth {peer}")
        ends = ((self.near, "v0", NEAR_V4, NEAR_V6, FAR_MAC), (self.far, "v1", FAR_V4, FAR_V6, NEAR_MAC))
        for end, link, address, address_v6, mac in ends:
            ip(f"-n {end.name} addr add {address}/24 dev {link}")
            ip(f"-n {end.name} addr add {address_v6}/64 dev {link} nodad")
            ip(f"-n {end.name} link set {link} up")
            for other in (FAR_V4, FAR_V6) if link == "v0" else (NEAR_V4, NEAR_V6):
                ip(f"-n {end.name} neigh replace {other} lladdr {mac} dev {link} nud permanent")

    def send_frames(self, frames: Sequence[bytes], side: str = "far") -> None:
        """Puts Ethernet frames on the cable as they are, in order.

        All go through the queue of one processor: a sender that the kernel moves to another one between two frames
        would let the second frame overtake the first.
        """
        end, link = (self.far, "v1") if side == "far" else (self.near, "v0")

        def send() -> None:
            processors = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(processors)})
            try:
                with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
                    out.bind((link, 0))
                    for frame in frames:
                        out.send(frame)
            finally:
                os.sched_setaffinity(0, processors)

        end.inside(send)


@contextmanager
def cable() -> Iterator[Cable]:
    """A cable of one's own; everything is gone afterwards, with every process in it."""
    number = next(_numbers)
    ends = Cable(Namespace(f"gwt-{os.getpid()}-{number}n"), Namespace(f"gwt-{os.getpid()}-{number}f"))
    try:
        ends.near.create()
        ends.far.create()
        ends.connect()
        yield ends
    finally:
        ends.near.remove()
        ends.far.remove()


def ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Has this run beside the block, which sets the event at its end."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def wait_until(reached: Callable[[], bool], seconds: float = 40.0) -> None:
    """Looks again and again, because the kernel's time is not ours; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "this did not happen in time"
        threading.Event().wait(0.01)
