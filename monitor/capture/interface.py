"""The sockets of one interface, from its coming up to its disappearing."""

import contextlib
import fcntl
import socket
import struct
import time
from typing import Final, final

from monitor.capture.direct import Direct
from monitor.capture.filters import ETHERNET, HELLOS, NAMES, RAW_IP, WRAPPED, everything_but_names, filter_program
from monitor.capture.packet import ETHERNET_HARDWARE
from monitor.capture.ring import Ring
from monitor.model import Frame
from monitor.wire.gate import Gate

SIOCGIFFLAGS: Final = 0x8913
SIOCGIFHWADDR: Final = 0x8927
IFF_UP: Final = 1

NAMES_BUFFER_BYTES: Final = 16_777_216  # some 20,000 questions
HELLO_BLOCKS: Final = 96  # 3 MiB, a third of a second
WRAPPED_BLOCKS: Final = 32
COUNTING_BLOCKS: Final = 256
UNWANTED_FRAMES: Final = 256  # frames of uploads after which the filter is looked at again
ELEPHANT_SECONDS: Final = 0.05


@final
class Interface:
    """Names come over a socket of their own, so that no flood of anything else can make one of them wait or be lost.

    `index` is the interface's place in the capture's table. With `counting` every IP packet comes, cut to `snap`.
    """

    def __init__(self, name: str, index: int, counting: bool, snap: int) -> None:
        self.name = name
        self.index = index
        self.counting = counting
        self.snap = snap
        self.kernel_index = 0
        self.frames = 0
        self.bytes = 0
        self.gate = Gate()
        self._names: Direct | None = None
        self._rings: list[Ring] = []
        self._dropped = 0
        self._looked = 0
        self._looked_at = 0.0

    def open(self) -> None:
        """Raises OSError where the interface does not exist or the privilege is missing."""
        self.kernel_index = socket.if_nametoindex(self.name)
        hardware = _hardware(self.name)
        self._names = Direct(self.name, hardware, filter_program(NAMES, _link(hardware)), NAMES_BUFFER_BYTES)
        try:
            if self.counting:
                takes = [(everything_but_names(self.snap), COUNTING_BLOCKS)]
            else:
                takes = [(HELLOS, HELLO_BLOCKS), (WRAPPED, WRAPPED_BLOCKS)]
            for take, blocks in takes:
                self._rings.append(Ring(self.name, hardware, filter_program(take, _link(hardware)), blocks))
        except OSError:
            self.close()
            raise

    def refresh(self) -> bool:
        """Takes the interface up again where it appeared, or appeared anew; true when something changed."""
        try:
            index = socket.if_nametoindex(self.name)
        except OSError:
            index = 0
        if index == self.kernel_index:
            return False
        self.close()
        if index:
            with contextlib.suppress(OSError):  # gone again meanwhile: its next event brings us back
                self.open()
        return True

    @property
    def is_open(self) -> bool:
        return self._names is not None

    def is_up(self) -> bool:
        return self.is_open and _is_up(self.name)

    def filenos(self) -> list[int]:
        return [self._names.fileno(), *(ring.fileno() for ring in self._rings)] if self._names else []

    def read(self, frames_max: int, number: int, out: list[Frame]) -> int:
        """Appends at most about `frames_max` frames of each socket, and returns by how many numbers they went on."""
        if self._names is None:
            return 0
        begin = len(out)
        read = self._names.read(frames_max, self.index, number, out)
        gate = None if self.counting else self.gate
        for ring in self._rings:
            got = ring.read(frames_max, self.index, number + read, gate, out)
            if not got:
                ring.clear_error()
            read += got
        for frame in out[begin:]:
            self.bytes += frame.length
        self.frames += len(out) - begin
        if self.gate.unwanted - self._looked >= UNWANTED_FRAMES:
            self._refuse_elephants()
        return read

    def _refuse_elephants(self) -> None:
        """Writes the flows that upload most into the filter of the hellos, at most every `ELEPHANT_SECONDS`."""
        now = time.monotonic()
        if now - self._looked_at < ELEPHANT_SECONDS:
            return
        self._looked = self.gate.unwanted
        self._looked_at = now
        marks = self.gate.elephants()
        if marks is not None:
            self._rings[0].attach(filter_program(HELLOS, self._rings[0].link, marks))

    def dropped(self) -> int:
        """Frames that passed the filter and found no room, since the start."""
        total = self._dropped
        for source in (self._names, *self._rings):
            if source is not None:
                source.count_drops()
                total += source.dropped
        return total

    def close(self) -> None:
        self._dropped = self.dropped()
        if self._names is not None:
            self._names.close()
        for ring in self._rings:
            ring.close()
        self._names = None
        self._rings = []
        self.kernel_index = 0


def _ask(name: str, request: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        return fcntl.ioctl(query.fileno(), request, struct.pack("16s24x", name.encode()))


def _hardware(name: str) -> int:
    return int(struct.unpack_from("=H", _ask(name, SIOCGIFHWADDR), 16)[0])


def _is_up(name: str) -> bool:
    try:
        return bool(struct.unpack_from("=H", _ask(name, SIOCGIFFLAGS), 16)[0] & IFF_UP)
    except OSError:
        return False


def _link(hardware: int) -> int:
    return ETHERNET if hardware in ETHERNET_HARDWARE else RAW_IP
