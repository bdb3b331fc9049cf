"""Parses the classic capture file: a 24-byte header, then records (draft-ietf-opsawg-pcap).

The parser accepts chunks of any size and returns frames as soon as they are complete. The magic number gives the file's
byte order and its unit of time. An impossible record ends the file: frames before it stay valid, the bytes after it
have no record boundary.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import Frame
from monitor.wire.integers import four, four_little

FILE_HEADER: Final = 24
RECORD_HEADER: Final = 16
# Larger than any frame of a real link (GRO builds 64 KiB, USB captures somewhat more).
FRAME_MAX: Final = 262_144

MAGIC_MICRO: Final = 0xA1B2C3D4
MAGIC_NANO: Final = 0xA1B23C4D
# Two record layouts beside the plain one: Kuznetzov's (8 more bytes of interface and protocol) and its IXIA cousins
# with a nanosecond clock, which have plain records.
MAGIC_KUZNETZOV: Final = 0xA1B2CD34
MAGIC_IXIA: Final = 0x1C0001AC
MAGIC_IXIA_SOFTWARE: Final = 0x1C0001AB
MAGICS: Final = (MAGIC_MICRO, MAGIC_NANO, MAGIC_KUZNETZOV, MAGIC_IXIA, MAGIC_IXIA_SOFTWARE)


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins with these 4 bytes is a classic capture file."""
    return len(head) >= 4 and (four(head, 0) in MAGICS or four_little(head, 0) in MAGICS)


@final
class PcapParser:
    """Parses bytes into frames; `complaint` is the reason why the file ended early, `b""` is a valid chunk.

    `interfaces` has the one nameless interface of such a file, `link` is known after the header.
    """

    __slots__ = (
        "_errors",
        "_record_header",
        "_rest",
        "_scale",
        "_swapped",
        "complaint",
        "interfaces",
        "link",
        "number",
    )

    def __init__(self, errors: ErrorCounts) -> None:
        self._errors = errors
        self._rest = b""
        self._swapped = False
        self._scale = 1e-6
        self._record_header = RECORD_HEADER
        self.link = -1
        self.number = 0
        self.interfaces = [""]
        self.complaint = ""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Returns the frames that this chunk completes."""
        frames: list[Frame] = []
        if self.complaint:
            return frames
        data = self._rest + chunk if self._rest else chunk
        at = 0
        if self.link < 0:
            if len(data) < FILE_HEADER:
                self._rest = data
                return frames
            self._read_header(data)
            at = FILE_HEADER
        at = self._read_records(data, at, frames)
        self._rest = data[at:]
        return frames

    def close(self) -> None:
        """Marks the end of the file; remaining bytes are a cut record."""
        if self.complaint or (self.link >= 0 and not self._rest):
            return
        self._end("too_short", "the file ends inside its header" if self.link < 0 else "the file ends inside a record")

    def _read_header(self, data: bytes) -> None:
        self._swapped = four(data, 0) not in MAGICS
        magic = four_little(data, 0) if self._swapped else four(data, 0)
        if magic not in MAGICS:
            self._end("malformed", "this is not a capture file")
            return
        if magic != MAGIC_MICRO and magic != MAGIC_KUZNETZOV:
            self._scale = 1e-9
        if magic == MAGIC_KUZNETZOV:
            self._record_header = RECORD_HEADER + 8
        # The upper bits are the length of a frame check sequence; IP lengths exclude it anyway.
        self.link = (four_little(data, 20) if self._swapped else four(data, 20)) & 0xFFFF

    def _read_records(self, data: bytes, at: int, frames: list[Frame]) -> int:
        size = len(data)
        header = self._record_header
        swapped = self._swapped
        scale = self._scale
        link = self.link
        number = self.number
        while size - at >= header and not self.complaint:
            if swapped:
                seconds = four_little(data, at)
                fraction = four_little(data, at + 4)
                captured = four_little(data, at + 8)
                length = four_little(data, at + 12)
            else:
                seconds = four(data, at)
                fraction = four(data, at + 4)
                captured = four(data, at + 8)
                length = four(data, at + 12)
            if captured > FRAME_MAX:
                self._end("malformed", f"record {number + 1} claims {captured} bytes")
                break
            begin = at + header
            if size - begin < captured:
                break
            number += 1
            at = begin + captured
            if length < captured:
                length = captured
            frames.append(Frame(data[begin:at], seconds + fraction * scale, link, 0, length, number))
        self.number = number
        return at

    def _end(self, kind: str, complaint: str) -> None:
        self._errors.add("pcap", kind)
        self.complaint = complaint
