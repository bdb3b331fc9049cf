"""Lists that come packed: gzip and xz are recognised by their first bytes and unpacked while they are read.

Nothing is unpacked ahead of what is read, so a small file that unpacks to a huge one costs what the reader's limit
allows.
"""

import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, Final

from monitor.errors import ListError

MAGIC_BYTES: Final = 8
GZIP: Final = b"\x1f\x8b"
XZ: Final = b"\xfd7zXZ\x00"
# What is recognised only to name it.
UNREADABLE: Final = {
    b"PK\x03\x04": "packed as zip",
    b"BZh": "packed as bzip2",
    b"\x28\xb5\x2f\xfd": "packed as zstd, or a compiled rule set of mihomo (.mrs)",
    b"7z\xbc\xaf\x27\x1c": "packed as 7z",
    b"SRS": "a compiled rule set of sing-box (.srs)",
}
# What reading a damaged file raises; MemoryError where an xz file asks for a dictionary larger than the machine has.
DAMAGE: Final = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, MemoryError)


def open_list(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where they are packed. Raises OSError, and ListError for another packing."""
    file = open(path, "rb")  # noqa: SIM115
    try:
        head = file.peek(MAGIC_BYTES)
        if head.startswith(GZIP):
            return io.BufferedReader(Unpacked(gzip.GzipFile(fileobj=file), file))
        if head.startswith(XZ):
            return io.BufferedReader(Unpacked(lzma.LZMAFile(file), file))
        for magic, what in UNREADABLE.items():
            if head.startswith(magic):
                raise ListError(f"{what}, which is not read: give the list as text, plain or packed with gzip or xz")
    except BaseException:
        file.close()
        raise
    return file


class Unpacked(io.RawIOBase):
    """What a packed file unpacks to; damage becomes a ListError."""

    def __init__(self, stream: gzip.GzipFile | lzma.LZMAFile, packed: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._packed = packed
        self._name = "gzip" if isinstance(stream, gzip.GzipFile) else "xz"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._stream.read(len(buffer))
        except EOFError:
            raise ListError(f"packed as {self._name}, and cut off") from None
        except DAMAGE:
            raise ListError(f"packed as {self._name}, and damaged") from None
        buffer[: len(piece)] = piece
        return len(piece)

    def fileno(self) -> int:
        return self._packed.fileno()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._packed.close()
        super().close()
