"""Lists that come packed: gzip and xz are recognised by their first bytes and unpacked while they are read. What holds
several files, or is packed twice, is refused in a line that states what it is.

Nothing is unpacked ahead of what is read, so a small file that unpacks to a huge one costs what the reader's limit
allows.
"""

import gzip
import io
import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from monitor.errors import ListError

MAGIC_BYTES: Final = 512
GZIP: Final = b"\x1f\x8b"
XZ: Final = b"\xfd7zXZ\x00"
# What is recognised only to name it.
UNREADABLE: Final = {
    b"PK\x03\x04": "packed as zip",
    b"BZh": "packed as bzip2",
    b"\x28\xb5\x2f\xfd": "packed as zstd, or a compiled rule set of mihomo (.mrs)",
    b"7z\xbc\xaf\x27\x1c": "packed as 7z",
    b"]\x00\x00": "packed as lzma",
    b"Rar!": "packed as rar",
    b"SRS": "a compiled rule set of sing-box (.srs)",
}
# Where the head of a tar archive has its mark (POSIX.1-2017, pax, ustar interchange format).
TAR: Final = b"ustar"
TAR_AT: Final = 257
TWICE: Final = {GZIP: "packed twice, the second time with gzip", XZ: "packed twice, the second time with xz"}
# What reading a damaged file raises; MemoryError where an xz file asks for a dictionary larger than the machine has.
DAMAGE: Final = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, MemoryError)


def open_list(path: Path) -> io.BufferedReader:
    """The file's bytes, unpacked where they are packed. Raises OSError, and ListError for another packing."""
    file = open(path, "rb")  # noqa: SIM115
    try:
        head = file.peek(MAGIC_BYTES)
        if not head.startswith((GZIP, XZ)):
            check_magic(head, UNREADABLE)
            return file
        stream = gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else lzma.LZMAFile(file)  # noqa: SIM115
        unpacked: io.BufferedReader = io.BufferedReader(Unpacked(stream, file))
        inner = b""
        with suppress(ListError):  # the reader of the lines meets the damage again, and reports it
            inner = unpacked.peek(MAGIC_BYTES)
        check_magic(inner, {**TWICE, **UNREADABLE})
    except BaseException:
        file.close()
        raise
    return unpacked


def check_magic(head: bytes, magics: dict[bytes, str]) -> None:
    """Raises ListError where the beginning of a file is that of something else than text."""
    if head[TAR_AT:].startswith(TAR):
        raise ListError("an archive of several files (tar), which is not read: unpack it, and give one of its files")
    for magic, what in magics.items():
        if head.startswith(magic):
            raise ListError(f"{what}, which is not read: give the list as text, plain or packed with gzip or xz")


class Unpacked(io.RawIOBase):
    """What a packed file unpacks to; damage becomes a ListError."""

    def __init__(self, stream: gzip.GzipFile | lzma.LZMAFile, packed: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._packed = packed
        self._name = "gzip" if isinstance(stream, gzip.GzipFile) else "xz"
        self._fault = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = b""
        try:
            piece = b"" if self._fault else self._stream.read(len(buffer))
        except EOFError:
            self._fault = "cut off"
        except DAMAGE:
            self._fault = "damaged"
        if self._fault:
            raise ListError(f"packed as {self._name}, and {self._fault}")
        buffer[: len(piece)] = piece
        return len(piece)

    def fileno(self) -> int:
        return self._packed.fileno()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._packed.close()
        super().close()
