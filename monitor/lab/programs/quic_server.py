"""The lab's HTTP/3 server, at every address of its namespace; a child process.

    python -m monitor.lab.programs.quic_server --certificates FOLDER [--delay SECONDS]

`/bytes/N` returns N bytes, `/bytes/N?rate=R` at R bytes per second.
"""

import argparse
import asyncio
import socket
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

from monitor.lab.programs.anywhere import UdpAnywhere, heard_late
from monitor.lab.programs.certificates import CHAIN, KEY
from monitor.lab.programs.content import TICK_SECONDS, asked_rate, content_length, piece
from monitor.lab.programs.serve import serve

PORT: Final = 443


class Http3Responder(QuicConnectionProtocol):
    """One QUIC connection: answers each request when its stream ends."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._http: H3Connection | None = None
        self._paths: dict[int, str] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic)
        if self._http is not None:
            for occurrence in self._http.handle_event(event):
                self._handle(self._http, occurrence)

    def _handle(self, http: H3Connection, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self._paths[event.stream_id] = dict(event.headers).get(b":path", b"/").decode()
        if isinstance(event, HeadersReceived | DataReceived) and event.stream_ended:
            self._respond(http, event.stream_id, self._paths.pop(event.stream_id, "/"))

    def _respond(self, http: H3Connection, stream: int, path: str) -> None:
        url = urlsplit(path)
        http.send_headers(stream, [(b":status", b"200"), (b"server", b"lab")])
        self._pour(http, stream, url.path, asked_rate(url.query), 0)

    def _pour(self, http: H3Connection, stream: int, path: str, rate: int, offset: int) -> None:
        """Sends the rest of the body: all of it, or one tick's share, and the next part a tick later."""
        while data := piece(path, offset):
            data = data[: max(1, int(rate * TICK_SECONDS))] if rate else data
            http.send_data(stream, data, end_stream=False)
            offset += len(data)
            if offset >= content_length(path):
                break
            if rate:
                later = asyncio.get_running_loop().call_later
                later(TICK_SECONDS, self._pour, http, stream, path, rate, offset)
                self.transmit()
                return
        http.send_data(stream, b"", end_stream=True)
        self.transmit()


class Listener:
    """The server's two ports, one for each address family. Datagrams are handled `delay` seconds late."""

    def __init__(self, configuration: QuicConfiguration, delay: float) -> None:
        self._configuration = configuration
        self._delay = delay
        self._ports: list[UdpAnywhere] = []

    async def start(self) -> None:
        for family in (socket.AF_INET, socket.AF_INET6):
            server = QuicServer(configuration=self._configuration, create_protocol=Http3Responder)
            port = UdpAnywhere(family, PORT, heard_late(server.datagram_received, self._delay))
            server.connection_made(cast(Any, port))
            self._ports.append(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(options.certificates / CHAIN, options.certificates / KEY)
    serve(Listener(configuration, options.delay).start)


if __name__ == "__main__":
    main()
