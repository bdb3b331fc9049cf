"""An HTTP/3 client for the lab; a child process that prints one JSON object.

    python -m monitor.lab.programs.quic_client NAME ADDRESS [--path /bytes/N] [--upload N] [--port N] [--source-port N]
        [--authority FILE] [--no-sni] [--seconds S]

`status` is 0 if no answer arrived. NAME is not resolved: the lab's tests send the queries themselves.
"""

import argparse
import asyncio
import ipaddress
import json
import ssl
import sys
from pathlib import Path
from typing import Any, Final

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent

PIECE: Final = bytes(16_384)


class Requester(QuicConnectionProtocol):
    """One request and its result."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._http = H3Connection(self._quic)
        self.ended = asyncio.Event()
        self.status = 0
        self.received = 0

    def request(self, authority: str, path: str, upload: int) -> None:
        stream = self._quic.get_next_available_stream_id()
        method = b"POST" if upload else b"GET"
        headers = [
            (b":method", method),
            (b":scheme", b"https"),
            (b":authority", authority.encode()),
            (b":path", path.encode()),
        ]
        self._http.send_headers(stream, headers, end_stream=upload == 0)
        for left in range(upload, 0, -len(PIECE)):
            self._http.send_data(stream, PIECE[: min(left, len(PIECE))], end_stream=left <= len(PIECE))
        self.transmit()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated):
            self.ended.set()
        for occurrence in self._http.handle_event(event):
            if isinstance(occurrence, HeadersReceived):
                self.status = int(dict(occurrence.headers).get(b":status", b"0"))
            elif isinstance(occurrence, DataReceived):
                self.received += len(occurrence.data)
            if isinstance(occurrence, HeadersReceived | DataReceived) and occurrence.stream_ended:
                self.ended.set()


async def fetch(options: argparse.Namespace) -> dict[str, object]:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=server_name(options))
    if options.authority and not options.no_sni:
        configuration.load_verify_locations(str(options.authority))
    else:
        configuration.verify_mode = ssl.CERT_NONE
    requester: QuicConnectionProtocol | None = None
    try:
        async with (
            asyncio.timeout(options.seconds),
            connect(
                options.address,
                options.port,
                configuration=configuration,
                create_protocol=Requester,
                local_port=options.source_port,
            ) as requester,
        ):
            assert isinstance(requester, Requester)
            requester.request(options.name, options.path, options.upload)
            await requester.ended.wait()
    except (OSError, TimeoutError) as error:
        return outcome(requester, type(error).__name__)
    return outcome(requester, "")


def server_name(options: argparse.Namespace) -> str:
    """Returns the name for SNI. aioquic sends no SNI if it is an address (RFC 6066 section 3)."""
    return str(ipaddress.ip_address(options.address)) if options.no_sni else options.name


def outcome(requester: QuicConnectionProtocol | None, error: str) -> dict[str, object]:
    done = requester if isinstance(requester, Requester) else None
    return {"status": done.status if done else 0, "received": done.received if done else 0, "error": error}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("address")
    parser.add_argument("--path", default="/")
    parser.add_argument("--upload", type=int, default=0)
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--source-port", type=int, default=0)
    parser.add_argument("--authority", type=Path)
    parser.add_argument("--no-sni", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    result = asyncio.run(fetch(parser.parse_args()))
    print(json.dumps(result))
    return 0 if result["status"] == 200 and not result["error"] else 1


if __name__ == "__main__":
    sys.exit(main())
