"""Parses the block-structured capture file (draft-ietf-opsawg-pcapng): sections, interfaces, packets.

The parser accepts chunks of any size and returns frames as soon as their block is complete. Every section has its own
byte order and its own interfaces; interfaces of later sections are numbered after those of earlier ones, so that
`Frame.interface` is an index into `interfaces` for the whole file. Blocks of other types are skipped. An impossible
block length ends the file.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import Frame
from monitor.wire.integers import four, four_little, two, two_little
from monitor.wire.pcap.classic import FRAME_MAX

SECTION_HEADER: Final = 0x0A0D0D0A
BYTE_ORDER: Final = 0x1A2B3C4D
INTERFACE: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
ENHANCED_PACKET: Final = 6

OPTION_END: Final = 0
OPTION_NAME: Final = 2
OPTION_RESOLUTION: Final = 9
OPTION_OFFSET: Final = 14

# Decryption secrets and name tables may be long, but a block beyond this is a broken length.
BLOCK_MAX: Final = 16_777_216
INTERFACES_MAX: Final = 4_096


def is_pcapng(head: bytes) -> bool:
    """Whether a file that begins with these 4 bytes is a pcapng file."""
    return len(head) >= 4 and four(head, 0) == SECTION_HEADER


@final
class PcapngInterface:
    """An interface description block: link type, snap length, ticks per second and seconds to add to its
    time stamps.
    """

    __slots__ = ("link", "offset", "snap_length", "ticks")

    def __init__(self, link: int, snap_length: int) -> None:
        self.link = link
        self.snap_length = snap_length
        self.ticks = 1e6
        self.offset = 0.0


@final
class PcapngParser:
    """Parses bytes into frames; `complaint` is the reason why the file ended early."""

    __slots__ = (
        "_described",
        "_errors",
        "_first",
        "_little",
        "_rest",
        "_started",
        "_time",
        "complaint",
        "interfaces",
        "number",
    )

    def __init__(self, errors: ErrorCounts) -> None:
        self._errors = errors
        self._rest = b""
        self._little = False
        self._started = False
        self._first = 0
        self._described: list[PcapngInterface] = []
        self._time = 0.0
        self.number = 0
        self.interfaces: list[str] = []
        self.complaint = ""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Returns the frames that this chunk completes."""
        frames: list[Frame] = []
        if self.complaint:
            return frames
        data = self._rest + chunk if self._rest else chunk
        at = 0
        while len(data) - at >= 12 and not self.complaint:
            size = self._block_size(data, at)
            if self.complaint or len(data) - at < size:
                break
            self._read_block(data, at, at + size, frames)
            at += size
        self._rest = data[at:]
        return frames

    def close(self) -> None:
        """Marks the end of the file; remaining bytes are a cut block."""
        if not self.complaint and (self._rest or not self._started):
            self._end("too_short", "the file ends inside a block")

    def _block_size(self, data: bytes, at: int) -> int:
        """Returns the length of the block at `at`; a section header also sets the byte order of the
        following blocks.
        """
        if four(data, at) == SECTION_HEADER:
            if four(data, at + 8) == BYTE_ORDER:
                self._little = False
            elif four_little(data, at + 8) == BYTE_ORDER:
                self._little = True
            else:
                self._end("malformed", "a section header without a byte order")
                return 0
        elif not self._started:
            self._end("malformed", "this is not a capture file")
            return 0
        size = self._four(data, at + 4)
        # Writers must pad to 4 bytes; some do not, and the length still leads to the next block.
        if size < 12 or size > BLOCK_MAX:
            self._end("malformed", f"a block of {size} bytes after frame {self.number}")
        return size

    def _read_block(self, data: bytes, at: int, end: int, frames: list[Frame]) -> None:
        kind = self._four(data, at)
        body = at + 8
        body_end = end - 4
        if kind == ENHANCED_PACKET:
            self._read_enhanced(data, body, body_end, frames)
        elif kind == SECTION_HEADER:
            self._started = True
            self._first = len(self.interfaces)
            self._described = []
        elif kind == INTERFACE:
            self._read_interface(data, body, body_end)
        elif kind == SIMPLE_PACKET:
            self._read_simple(data, body, body_end, frames)
        elif kind == OBSOLETE_PACKET:
            self._read_obsolete(data, body, body_end, frames)

    def _read_enhanced(self, data: bytes, at: int, end: int, frames: list[Frame]) -> None:
        if end - at < 20:
            self._end("malformed", "a packet block without its header")
            return
        index = self._four(data, at)
        stamp = self._four(data, at + 4) << 32 | self._four(data, at + 8)
        self._add(data, at + 20, end, index, stamp, self._four(data, at + 12), self._four(data, at + 16), frames)

    def _read_obsolete(self, data: bytes, at: int, end: int, frames: list[Frame]) -> None:
        if end - at < 20:
            self._end("malformed", "a packet block without its header")
            return
        index = self._two(data, at)
        stamp = self._four(data, at + 4) << 32 | self._four(data, at + 8)
        self._add(data, at + 20, end, index, stamp, self._four(data, at + 12), self._four(data, at + 16), frames)

    def _read_simple(self, data: bytes, at: int, end: int, frames: list[Frame]) -> None:
        """A simple packet belongs to interface 0 and has no time: it gets the time of the previous packet."""
        if end - at < 4 or not self._described:
            self._end("malformed", "a simple packet block without its header or interface")
            return
        length = self._four(data, at)
        captured = min(length, end - at - 4)
        snap_length = self._described[0].snap_length
        if 0 < snap_length < captured:
            captured = snap_length
        self._add(data, at + 4, end, 0, -1, captured, length, frames)

    def _add(
        self, data: bytes, at: int, end: int, index: int, stamp: int, captured: int, length: int, frames: list[Frame]
    ) -> None:
        if captured > end - at or captured > FRAME_MAX:
            self._end("malformed", f"frame {self.number + 1} claims {captured} bytes")
            return
        self.number += 1
        if index >= len(self._described):
            self._errors.add("pcap", "unknown_interface")
            return
        interface = self._described[index]
        if stamp >= 0:
            self._time = stamp / interface.ticks + interface.offset
        if length < captured:
            length = captured
        frame = Frame(data[at : at + captured], self._time, interface.link, self._first + index, length, self.number)
        frames.append(frame)

    def _read_interface(self, data: bytes, at: int, end: int) -> None:
        if end - at < 8:
            self._end("malformed", "an interface block without its header")
            return
        if len(self.interfaces) >= INTERFACES_MAX:
            self._end("malformed", f"more than {INTERFACES_MAX} interfaces")
            return
        interface = PcapngInterface(self._two(data, at), self._four(data, at + 4))
        self._described.append(interface)
        self.interfaces.append("")
        at += 8
        while end - at >= 4:
            code = self._two(data, at)
            size = self._two(data, at + 2)
            at += 4
            if code == OPTION_END or size > end - at:
                break
            self._read_option(interface, data, at, code, size)
            at += (size + 3) & ~3

    def _read_option(self, interface: PcapngInterface, data: bytes, at: int, code: int, size: int) -> None:
        if code == OPTION_RESOLUTION and size == 1:
            # The top bit selects the base of the exponent: 2 or 10.
            exponent = data[at] & 0x7F
            interface.ticks = 2.0**exponent if data[at] & 0x80 else 10.0**exponent
        elif code == OPTION_OFFSET and size == 8:
            high = self._four(data, at + 4) if self._little else self._four(data, at)
            low = self._four(data, at) if self._little else self._four(data, at + 4)
            interface.offset = float((high << 32 | low) - (1 << 64 if high >> 31 else 0))
        elif code == OPTION_NAME:
            self.interfaces[-1] = data[at : at + size].rstrip(b"\0").decode("utf-8", "replace")

    def _two(self, data: bytes, at: int) -> int:
        return two_little(data, at) if self._little else two(data, at)

    def _four(self, data: bytes, at: int) -> int:
        return four_little(data, at) if self._little else four(data, at)

    def _end(self, kind: str, complaint: str) -> None:
        self._errors.add("pcap", kind)
        self.complaint = complaint
