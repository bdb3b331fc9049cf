"""Reads capture files (pcap and pcapng, gzip or not) in large chunks into batches of frames.

The parsers are in `wire`; this module only reads. A file that cannot be read from its start is an error; a file that is
broken later gives all frames before the break, a `complaint`, and a count in `pcap`.
"""

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from monitor.errors import CaptureFileError, ErrorCounts
from monitor.model import Frame
from monitor.wire.pcap.classic import PcapParser, is_pcap
from monitor.wire.pcap.pcapng import PcapngParser, is_pcapng

# Large enough to read fast, small enough that a batch of frames stays in the cache.
CHUNK_BYTES: Final = 262_144
GZIP_MAGIC: Final = b"\x1f\x8b"
GZIP_WINDOW: Final = 31


class CaptureFile:
    """One capture file; iterate over `batches()` once.

    `interfaces` are the names that `Frame.interface` indexes (the list grows while a pcapng file is read), `bytes_read`
    of `bytes_total` is the progress (total 0: unknown), `complaint` is one line without the path if the file is broken,
    else "". The path `-` is standard input.
    """

    def __init__(self, path: str | Path, errors: ErrorCounts | None = None) -> None:
        self.path = str(path)
        self.complaint = ""
        self.bytes_read = 0
        self.bytes_total = 0
        self.interfaces: list[str] = []
        self._errors = errors if errors is not None else ErrorCounts()

    def batches(self) -> Iterator[list[Frame]]:
        """Yields the frames in order. Raises `CaptureFileError` if nothing can be read from the start."""
        try:
            with self._open() as file:
                yield from self._parse(self._chunks(file))
        except OSError as error:
            raise CaptureFileError(f"{self.path}: cannot be read: {error.strerror or error}") from error

    def _open(self) -> BinaryIO:
        if self.path == "-":
            return open(sys.stdin.fileno(), "rb", closefd=False)
        self.bytes_total = Path(self.path).stat().st_size
        return open(self.path, "rb")

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        first = self._read(file, CHUNK_BYTES)
        if first[:2] != GZIP_MAGIC:
            while first:
                yield first
                first = self._read(file, CHUNK_BYTES)
            return
        yield from self._inflate(file, first)

    def _read(self, file: BinaryIO, size: int) -> bytes:
        chunk = file.read(size)
        self.bytes_read += len(chunk)
        return chunk

    def _inflate(self, file: BinaryIO, packed: bytes) -> Iterator[bytes]:
        """Yields the content of a gzip file, which may have several members (RFC 1952 section 2.2), in chunks."""
        member = zlib.decompressobj(GZIP_WINDOW)
        while packed:
            try:
                chunk = member.decompress(packed, CHUNK_BYTES)
            except zlib.error as error:
                self._break_off(f"the gzip data is damaged ({error})")
                return
            if chunk:
                yield chunk
            packed = member.unused_data if member.eof else member.unconsumed_tail
            if len(packed) < len(GZIP_MAGIC):
                packed += self._read(file, CHUNK_BYTES)
            if member.eof:
                if packed[:2] != GZIP_MAGIC:
                    # The end, or padding after it, which gzip ignores too.
                    return
                member = zlib.decompressobj(GZIP_WINDOW)
        self._break_off("the gzip data ends early")

    def _parse(self, chunks: Iterator[bytes]) -> Iterator[list[Frame]]:
        head = b""
        parser: PcapParser | PcapngParser | None = None
        for chunk in chunks:
            if parser is None:
                head += chunk
                if len(head) < 4:
                    continue
                parser, chunk = self._choose(head), head
                self.interfaces = parser.interfaces
            frames = parser.feed(chunk)
            if frames:
                yield frames
            if parser.complaint:
                break
        self._finish(parser, head)

    def _choose(self, head: bytes) -> PcapParser | PcapngParser:
        if is_pcap(head):
            return PcapParser(self._errors)
        if is_pcapng(head):
            return PcapngParser(self._errors)
        raise CaptureFileError(
            f"{self.path}: this is neither a pcap nor a pcapng file (it begins with {head[:4].hex(' ')})"
        )

    def _finish(self, parser: PcapParser | PcapngParser | None, head: bytes) -> None:
        if parser is None:
            what = self.complaint or ("the file is empty" if not head else f"the file has only {len(head)} bytes")
            raise CaptureFileError(f"{self.path}: {what}")
        parser.close()
        self.complaint = self.complaint or parser.complaint
        if parser.complaint and not parser.number and not self._has_header(parser):
            raise CaptureFileError(f"{self.path}: {parser.complaint}")

    def _has_header(self, parser: PcapParser | PcapngParser) -> bool:
        return bool(parser.interfaces) if isinstance(parser, PcapngParser) else parser.link >= 0

    def _break_off(self, complaint: str) -> None:
        self._errors.add("pcap", "gzip")
        self.complaint = complaint


def read_frames(path: str | Path, errors: ErrorCounts | None = None) -> Iterator[list[Frame]]:
    """Yields the frames of a capture file in batches; `CaptureFile` documents the handling of broken files."""
    return CaptureFile(path, errors).batches()
