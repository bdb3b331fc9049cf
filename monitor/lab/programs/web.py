"""The lab's web servers: plain HTTP/1.1, and TLS 1.2 and 1.3, at every address; a child process.

    python -m monitor.lab.programs.web --certificates FOLDER [--delay SECONDS] [--zone FILE]

`/bytes/N` returns N bytes, `/bytes/N?rate=R` at R bytes per second. Request bodies are discarded, except for queries to
`/dns-query` (RFC 8484 section 4.1), which are answered from the zone. One request per connection.
"""

import argparse
import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dnslib import DNSError, DNSRecord

from monitor.lab.programs.certificates import server_context
from monitor.lab.programs.content import GREETING, TICK_SECONDS, asked_rate, content_length, piece
from monitor.lab.programs.serve import serve
from monitor.lab.zone import SMALL_SEGMENT_ADDRESSES, SMALL_SEGMENT_BYTES, Zone

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
REQUEST_SECONDS: Final = 60.0
LONGEST_HEAD: Final = 65_536
DNS_PATH: Final = "/dns-query"
DNS_MEDIA_TYPE: Final = "application/dns-message"

Handshake = asyncio.Future[tuple[asyncio.Transport, asyncio.StreamReaderProtocol]]


class Web:
    """All listeners. TLS servers wait `delay` seconds before they read a ClientHello."""

    def __init__(self, tls: ssl.SSLContext, delay: float, zone: Zone) -> None:
        self._tls = tls
        self._delay = delay
        self._zone = zone
        self._servers: list[asyncio.Server] = []
        self._accepting: list[asyncio.Future[None]] = []
        self._handshakes: set[Handshake] = set()

    async def start(self) -> None:
        for address in ("0.0.0.0", "::"):
            await self._listen(listener(address, HTTP_PORT, 0), None)
            await self._listen(listener(address, HTTPS_PORT, 0), self._tls)
        for address in SMALL_SEGMENT_ADDRESSES:
            await self._listen(listener(address, HTTPS_PORT, SMALL_SEGMENT_BYTES), self._tls)

    async def _listen(self, bound: socket.socket, tls: ssl.SSLContext | None) -> None:
        if tls is not None and self._delay > 0:
            self._accepting.append(asyncio.ensure_future(self._accept_slowly(bound)))
            return
        self._servers.append(await asyncio.start_server(self._answer, sock=bound, ssl=tls, limit=LONGEST_HEAD))

    async def _accept_slowly(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(bound)
            loop.add_reader(accepted.fileno(), self._heard, accepted)

    def _heard(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(accepted.fileno())
        loop.call_later(self._delay, self._begin, accepted)

    def _begin(self, accepted: socket.socket) -> None:
        """Starts reading from a connection whose ClientHello has been waiting in the socket."""
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(LONGEST_HEAD), self._answer)
        task = asyncio.ensure_future(loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._tls))
        self._handshakes.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: Handshake) -> None:
        self._handshakes.discard(task)
        if not task.cancelled():
            # The client handles a failed handshake; reading the exception keeps asyncio from logging it.
            task.exception()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, DNSError):
            async with asyncio.timeout(REQUEST_SECONDS):
                path, body = await request(reader)
                if path == DNS_PATH:
                    question = DNSRecord.parse(await reader.readexactly(body))
                    await send_message(writer, self._zone.answer(question).pack())
                else:
                    await discard(reader, body)
                    await respond(writer, path)
        writer.close()


async def request(reader: asyncio.StreamReader) -> tuple[str, int]:
    """Returns the path of a request and the length of its body (RFC 9112 sections 3 and 6)."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    _, path, _ = head[0].split(" ")
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return path, int(value)
    return path, 0


async def discard(reader: asyncio.StreamReader, length: int) -> None:
    while length > 0:
        data = await reader.read(min(length, LONGEST_HEAD))
        if not data:
            return
        length -= len(data)


async def respond(writer: asyncio.StreamWriter, target: str) -> None:
    url = urlsplit(target)
    rate = asked_rate(url.query)
    length = content_length(url.path) or len(GREETING)
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode())
    offset = 0
    while offset < length:
        data = piece(url.path, offset)
        if rate:
            data = data[: max(1, int(rate * TICK_SECONDS))]
            await asyncio.sleep(TICK_SECONDS)
        writer.write(data)
        offset += len(data)
        await writer.drain()


async def send_message(writer: asyncio.StreamWriter, message: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {DNS_MEDIA_TYPE}\r\ncontent-length: {len(message)}\r\n"
    writer.write(f"{head}connection: close\r\n\r\n".encode() + message)
    await writer.drain()


def listener(address: str, port: int, segment_bytes: int) -> socket.socket:
    """Returns a listening socket that requests segments of at most `segment_bytes` (0: the route's limit)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    # Allows one socket at a specific address beside one at all addresses; the kernel prefers the specific one.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if segment_bytes:
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
    bound.bind((address, port))
    bound.listen(512)
    bound.setblocking(False)
    return bound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--zone", type=Path)
    options = parser.parse_args()
    zone = Zone(options.zone.read_text() if options.zone else "")
    web = Web(server_context(options.certificates), options.delay, zone)
    serve(web.start)


if __name__ == "__main__":
    main()
