"""Fetches a list over HTTP or from a file into an open file, within limits of size and time.

Only `gatewatch lists update` imports this module: the daemon fetches nothing, and needs no HTTP client.
"""

import asyncio
import hashlib
import os
import stat
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote, urlsplit

import httpx

from monitor.errors import ListError
from monitor.lists.copies import shown
from monitor.lists.refusal import refusal
from monitor.lists.transport import client, reason_of

REDIRECTS_MAX: Final = 5
CHUNK_BYTES: Final = 65_536
REDIRECTS: Final = (301, 302, 303, 307, 308)
UNCHANGED: Final = 304
GZIP_WINDOW: Final = zlib.MAX_WBITS | 16


@dataclass(frozen=True)
class Validators:
    """The server's validators of the existing copy, sent for a conditional request."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> dict[str, str]:
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Fetched:
    """The fetched list: `size` bytes with that SHA-256. `is_new` is false if the server answers that nothing has
    changed.

    `is_whole` is true if the reply had a marked end, so that a truncated reply would have been detected.
    """

    is_new: bool
    validators: Validators = Validators()
    size: int = 0
    digest: str = ""
    is_whole: bool = True


async def fetch(url: str, into: IO[bytes], max_bytes: int, seconds: float, known: Validators) -> Fetched:
    """Writes the content of the URL. Raises ListError, in one line, for every fault but a failed write: OSError."""
    try:
        async with asyncio.timeout(seconds):
            if urlsplit(url).scheme == "file":
                return await asyncio.to_thread(copy_file, url, into, max_bytes)
            async with client() as session:
                return await follow(session, url, Sink(into, max_bytes), known)
    except TimeoutError:
        raise ListError(f"took more than {seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ListError(reason_of(error)) from None


class Sink:
    """Accepts the pieces of a list, up to `max_bytes`."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self.size = 0
        self._file = file
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._max_bytes:
            raise ListError(f"larger than max_bytes ({self._max_bytes:,})")
        self._digest.update(piece)
        self._file.write(piece)

    def digest(self) -> str:
        return self._digest.hexdigest()


async def follow(session: httpx.AsyncClient, url: str, sink: Sink, known: Validators) -> Fetched:
    """Sends the request and follows redirects: only to https, and at most REDIRECTS_MAX of them."""
    target = httpx.URL(url)
    for _ in range(REDIRECTS_MAX + 1):
        async with session.stream("GET", target, headers=known.headers()) as answer:
            if answer.status_code not in REDIRECTS:
                return await read_answer(answer, sink, known)
            target = redirected(answer)
    raise ListError(f"redirected more than {REDIRECTS_MAX} times, last to {shown(str(target))}")


def redirected(answer: httpx.Response) -> httpx.URL:
    location = answer.headers.get("Location", "")
    if not location:
        raise ListError(f"redirected with {answer.status_code}, but without a location")
    target = answer.url.join(location)
    if target.scheme != "https" or not target.host:
        raise ListError(f"redirected to {shown(str(target))}: only https is followed")
    return target.copy_with(userinfo=b"")


async def read_answer(answer: httpx.Response, sink: Sink, known: Validators) -> Fetched:
    if answer.status_code == UNCHANGED and known.headers():
        return Fetched(is_new=False, validators=known)
    if answer.status_code != HTTPStatus.OK:
        raise ListError(f"the server answered {status_text(answer.status_code)}")
    async for piece in decoded(answer):
        sink.take(piece)
    validators = Validators(answer.headers.get("ETag", "")[:1024], answer.headers.get("Last-Modified", "")[:128])
    is_whole = "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers
    return Fetched(True, validators, sink.size, sink.digest(), is_whole)


def status_text(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


async def decoded(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the body in small pieces, decompressed if needed; a small body that decompresses to a huge one stays
    small.
    """
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        async for piece in answer.aiter_raw(CHUNK_BYTES):
            yield piece
        return
    if encoding not in ("gzip", "x-gzip"):
        raise ListError(f"the server packed it as {encoding[:40]!r}, which was not requested")
    async for piece in unpacked(answer.aiter_raw(CHUNK_BYTES)):
        yield piece


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the content of gzip data with one or more members (RFC 1952 section 2.2)."""
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    async for packed in pieces:
        rest = packed
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(GZIP_WINDOW)
            try:
                yield unpacker.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise ListError("packed as gzip, and damaged") from None
            rest = unpacker.unconsumed_tail or unpacker.unused_data
            await asyncio.sleep(0)
    if not unpacker.eof:
        raise ListError("packed as gzip, and cut off")


def copy_file(url: str, into: IO[bytes], max_bytes: int) -> Fetched:
    """Copies a `file:` URL. Raises ListError for a file without an end, such as a pipe."""
    path = Path(unquote(urlsplit(url).path))
    sink = Sink(into, max_bytes)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ListError(f"{path} cannot be read: {refusal(error)}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ListError(f"{path} is not a regular file")
    with open(descriptor, "rb") as file:
        while piece := file.read(CHUNK_BYTES):
            sink.take(piece)
    return Fetched(True, Validators(), sink.size, sink.digest())
