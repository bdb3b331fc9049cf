"""Manages the sockets of one interface, from its appearance to its removal."""

import contextlib
import fcntl
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final, final

from monitor.capture.direct import Direct
from monitor.capture.filter_parts import ETHERNET, RAW_IP
from monitor.capture.filters import (
    MIDDLES,
    NAMES,
    STARTS,
    WRAPPED,
    SnapLengths,
    everything_else,
    filter_program,
)
from monitor.capture.packet import ETHERNET_HARDWARE
from monitor.capture.ring import Ring
from monitor.model import Frame
from monitor.wire.pcap.ring_blocks import read_block
from monitor.wire.tcp.segment_filter import SegmentFilter

SIOCGIFFLAGS: Final = 0x8913
SIOCGIFHWADDR: Final = 0x8927
IFF_UP: Final = 1

NAMES_BUFFER_BYTES: Final = 16_777_216  # about 20,000 queries
STARTS_BUFFER_BYTES: Final = 16_777_216  # about 7,000 ClientHellos, or 20,000 SYNs
MIDDLES_BLOCKS: Final = 128  # 4 MiB, a quarter of a second
WRAPPED_BLOCKS: Final = 64
COUNTING_BLOCKS: Final = 256
UNWANTED_FRAMES: Final = 256  # frames of uploads after which the filter is updated
ELEPHANT_SECONDS: Final = 0.05


@final
class InterfaceCapture:
    """Captures frames with names on a separate socket, so that a flood of other frames neither delays nor drops them.
    Packets that start flows have another socket, because a banned flow must be killed before it is answered.

    `index` is the interface's index in the capture's table. With `counting` every IP packet is captured, truncated to
    `snap`. `untagged`: frames of VLANs on the interface are not captured.
    """

    def __init__(self, name: str, index: int, counting: bool, snap: int) -> None:
        self.name = name
        self.index = index
        self.counting = counting
        self.snap = snap
        self.untagged = False
        self.kernel_index = 0
        self.frames = 0
        self.bytes = 0
        self.gate = SegmentFilter()
        self._names: Direct | None = None
        self._starts: Direct | None = None
        self._rings: list[Ring] = []
        self._blocks: list[bytes] = []
        self._dropped = 0
        self._looked = 0
        self._looked_at = 0.0

    def open(self) -> None:
        """Opens the sockets. Raises OSError if the interface does not exist or the privilege is missing."""
        self.kernel_index = socket.if_nametoindex(self.name)
        hardware = _hardware(self.name)
        link = _link(hardware)
        try:
            self._names = Direct(self.name, hardware, self._program(NAMES, link), NAMES_BUFFER_BYTES)
            self._starts = Direct(self.name, hardware, self._program(STARTS, link), STARTS_BUFFER_BYTES)
            for take, blocks in self._takes():
                self._rings.append(Ring(self.name, hardware, self._program(take, link), blocks))
        except OSError:
            self.close()
            raise

    def _takes(self) -> list[tuple[SnapLengths, int]]:
        """Returns the snap lengths of the rings, and their blocks."""
        if self.counting:
            return [(everything_else(self.snap), COUNTING_BLOCKS)]
        return [(MIDDLES, MIDDLES_BLOCKS), (WRAPPED, WRAPPED_BLOCKS)]

    def leave_vlans(self, leave: bool) -> None:
        """Sets whether frames of VLANs on the interface are dropped from now on."""
        if leave == self.untagged:
            return
        self.untagged = leave
        takes = [NAMES, STARTS, *[take for take, _ in self._takes()]]
        for source, take in zip(self._sources(), takes, strict=False):  # None if it is not open
            source.attach(self._program(take, source.link))

    def _program(self, take: SnapLengths, link: int, elephants: Sequence[int] = ()) -> bytes:
        return filter_program(take, link, elephants, self.untagged and link == ETHERNET)

    def refresh(self) -> bool:
        """Opens the interface again after it appeared, or was replaced; returns true if something changed."""
        try:
            index = socket.if_nametoindex(self.name)
        except OSError:
            index = 0
        if index == self.kernel_index:
            return False
        self.close()
        if index:
            with contextlib.suppress(OSError):  # removed again meanwhile: its next event triggers a refresh
                self.open()
        return True

    @property
    def is_open(self) -> bool:
        return self._starts is not None

    def is_up(self) -> bool:
        return self.is_open and _is_up(self.name)

    def filenos(self) -> list[int]:
        return [source.fileno() for source in self._sources()]

    def _sources(self) -> list[Direct | Ring]:
        return [source for source in (self._names, self._starts, *self._rings) if source is not None]

    def read(self, frames_max: int, number: int, out: list[Frame]) -> int:
        """Appends at most about `frames_max` frames of each socket; returns by how much the frame numbers advanced.

        A segment of a flow that is read before the flow's start would be classified as an upload. So blocks are fetched
        before starts are read, and processed after no start waits any more.
        """
        if self._names is None or self._starts is None:
            return 0
        begin = len(out)
        if not self._blocks:
            self._take_blocks(frames_max)
        read = self._names.read(frames_max, self.index, number, out)
        starts = len(out)
        begun = self._starts.read(frames_max, self.index, number + read, out)
        read += begun
        gate = None if self.counting else self.gate
        if gate is not None:
            for frame in out[starts:]:
                gate.begins(frame.data, self._starts.link)
        if gate is None or begun < frames_max:
            for block in self._blocks:
                read += read_block(block, self._starts.link, self.index, number + read, gate, out)
            self._blocks = []
        for frame in out[begin:]:
            self.bytes += frame.length
        self.frames += len(out) - begin
        if self.gate.unwanted - self._looked >= UNWANTED_FRAMES:
            self._refuse_elephants()
        return read

    def _take_blocks(self, frames_max: int) -> None:
        for ring in self._rings:
            blocks = ring.take(frames_max)
            if not blocks:
                ring.clear_error()
            self._blocks += blocks

    def _refuse_elephants(self) -> None:
        """Makes the filter of the ring drop the flows with the largest uploads, at most once in
        `ELEPHANT_SECONDS`.
        """
        now = time.monotonic()
        if now - self._looked_at < ELEPHANT_SECONDS:
            return
        self._looked = self.gate.unwanted
        self._looked_at = now
        marks = self.gate.elephants()
        if marks is not None:
            self._rings[0].attach(self._program(MIDDLES, self._rings[0].link, marks))

    def dropped(self) -> int:
        """Returns the number of frames since the start that passed the filter and exceeded the buffers."""
        total = self._dropped
        for source in self._sources():
            source.count_drops()
            total += source.dropped
        return total

    def close(self) -> None:
        self._dropped = self.dropped()
        for source in self._sources():
            source.close()
        self._names = None
        self._starts = None
        self._rings = []
        self._blocks = []
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
