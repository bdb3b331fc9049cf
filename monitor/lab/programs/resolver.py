"""The lab's resolver: UDP and TCP, DNS over TLS and QUIC, at every address of its namespace; a child process.

python -m monitor.lab.programs.resolver [--zone FILE] [--forward ADDRESS] [--certificates FOLDER] [--delay SECONDS]
"""

import argparse
import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Final

from dnslib import EDNS0, QTYPE, RCODE, DNSError, DNSHeader, DNSRecord

from monitor.lab.programs.anywhere import Peer, UdpAnywhere
from monitor.lab.programs.certificates import server_context
from monitor.lab.programs.doq import listen
from monitor.lab.programs.serve import serve
from monitor.lab.zone import Zone

PORT: Final = 53
TLS_PORT: Final = 853
PLAIN_LIMIT: Final = 512
EDNS_LIMIT: Final = 1232
UPSTREAM_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0


class Resolver:
    """Answers from the zone, or forwards to `upstream`; answers over TLS and QUIC are `delay` seconds late."""

    def __init__(self, zone: Zone, upstream: str, delay: float = 0.0) -> None:
        self._zone = zone
        self._upstream = upstream
        self._delay = delay
        self._udp: list[UdpAnywhere] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, certificates: Path | None) -> None:
        """Starts all listeners. Encrypted DNS requires certificates."""
        tls = server_context(certificates) if certificates else None
        if certificates:
            self._udp += listen(certificates, lambda data: self.answer(data, tcp=True), self._delay)
        for family in (socket.AF_INET, socket.AF_INET6):
            self._listen_udp(family)
            host = "0.0.0.0" if family == socket.AF_INET else "::"
            await asyncio.start_server(self._stream, host, PORT, family=family)
            if tls is not None:
                await asyncio.start_server(self._stream, host, TLS_PORT, family=family, ssl=tls)

    def _listen_udp(self, family: int) -> None:
        def receive(data: bytes, peer: Peer) -> None:
            if not self._upstream:
                port.sendto(self.answer(data, tcp=False), peer)
                return
            task = asyncio.ensure_future(self._relay(data, port, peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        port = UdpAnywhere(family, PORT, receive)
        self._udp.append(port)

    async def _relay(self, data: bytes, port: UdpAnywhere, peer: Peer) -> None:
        port.sendto(await ask(self._upstream, data, tcp=False), peer)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the queries of one TCP connection, one after the other (RFC 7766 section 6.2.1)."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    query = await reader.readexactly(size)
                if self._upstream:
                    reply = await ask(self._upstream, query, tcp=True)
                else:
                    reply = self.answer(query, tcp=True)
                if writer.get_extra_info("ssl_object") is not None:
                    await asyncio.sleep(self._delay)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        writer.close()

    def answer(self, data: bytes, tcp: bool) -> bytes:
        try:
            query = DNSRecord.parse(data)
        except DNSError:
            header = DNSHeader(id=int.from_bytes(data[:2], "big"), qr=1, rcode=RCODE.FORMERR)
            return bytes(DNSRecord(header).pack())
        reply = self._zone.answer(query)
        limit = PLAIN_LIMIT
        option = next((record for record in query.ar if record.rtype == QTYPE.OPT), None)
        if option is not None:
            limit = min(max(option.rclass, PLAIN_LIMIT), EDNS_LIMIT)
            reply.add_ar(EDNS0(udp_len=EDNS_LIMIT))
        packed: bytes = reply.pack()
        if tcp or len(packed) <= limit:
            return packed
        # RFC 2181 section 9: an answer that does not fit is truncated, and the client repeats the query over TCP.
        reply.rr, reply.auth = [], []
        reply.header.tc = 1
        return bytes(reply.pack())


async def ask(upstream: str, query: bytes, tcp: bool) -> bytes:
    """Sends one query to another resolver; returns SERVFAIL if it does not answer."""
    try:
        async with asyncio.timeout(UPSTREAM_SECONDS):
            return await (ask_tcp(upstream, query) if tcp else ask_udp(upstream, query))
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        header = DNSHeader(id=int.from_bytes(query[:2], "big"), qr=1, rcode=RCODE.SERVFAIL)
        return bytes(DNSRecord(header).pack())


async def ask_udp(upstream: str, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in upstream else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, (upstream, PORT))
        await loop.sock_sendall(client, query)
        return await loop.sock_recv(client, EDNS_LIMIT * 4)


async def ask_tcp(upstream: str, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(upstream, PORT)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zone", type=Path)
    parser.add_argument("--forward", default="")
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    zone = Zone(options.zone.read_text() if options.zone else "")
    resolver = Resolver(zone, options.forward, options.delay)
    serve(lambda: resolver.start(options.certificates))


if __name__ == "__main__":
    main()
