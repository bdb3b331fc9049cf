"""Reads packed lists: recognises gzip and xz by their first bytes and decompresses them while they are read.

An archive of several files and a twice packed file are refused, with the packing in the message. Nothing is
decompressed ahead of the reader, so a small file that decompresses to a huge one costs at most the reader's limit.
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
# Packings that are recognised only for the error message.
UNREADABLE: Final = {
    b"PK\x03\x04": "packed as zip",
    b"BZh": "packed as bzip2",
    b"\x28\xb5\x2f\xfd": "packed as zstd, or a compiled rule set of mihomo (.mrs)",
    b"7z\xbc\xaf\x27\x1c": "packed as 7z",
    b"]\x00\x00": "packed as lzma",
    b"Rar!": "packed as rar",
    b"SRS": "a compiled rule set of sing-box (.srs)",
}
# Offset of the magic of a tar archive (POSIX.1-2017, pax, ustar interchange format).
TAR: Final = b"ustar"
TAR_AT: Final = 257
TWICE: Final = {GZIP: "packed twice, the second time with gzip", XZ: "packed twice, the second time with xz"}
# Exceptions of damaged files; MemoryError if an xz file demands a dictionary larger than the memory.
DAMAGE: Final = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, MemoryError)


def open_list(path: Path) -> io.BufferedReader:
    """Opens the file's bytes, decompressed if packed. Raises OSError, and ListError for an unsupported packing."""
    file = open(path, "rb")  # noqa: SIM115
    try:
        head = file.peek(MAGIC_BYTES)
        if not head.startswith((GZIP, XZ)):
            check_magic(head, UNREADABLE)
            return file
        stream = gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else lzma.LZMAFile(file)  # noqa: SIM115
        unpacked: io.BufferedReader = io.BufferedReader(Unpacked(stream, file))
        inner = b""
        with suppress(ListError):  # the reader of the lines hits the same damage, and reports it
            inner = unpacked.peek(MAGIC_BYTES)
        check_magic(inner, {**TWICE, **UNREADABLE})
    except BaseException:
        file.close()
        raise
    return unpacked


def check_magic(head: bytes, magics: dict[bytes, str]) -> None:
    """Raises ListError if the file starts with the magic of a format other than text."""
    if head[TAR_AT:].startswith(TAR):
        raise ListError("an archive of several files (tar), which is not read: unpack it, and give one of its files")
    for magic, what in magics.items():
        if head.startswith(magic):
            raise ListError(f"{what}, which is not read: give the list as text, plain or packed with gzip or xz")


class Unpacked(io.RawIOBase):
    """Decompresses a packed file; damage becomes a ListError."""

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
