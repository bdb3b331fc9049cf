"""DNS over dedicated QUIC connections (RFC 9250) for the lab's resolver: one question per stream."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

from monitor.lab.programs.anywhere import UdpAnywhere, heard_late
from monitor.lab.programs.certificates import CHAIN, KEY

PORT: Final = 853
PROTOCOL: Final = "doq"


class DoqResponder(QuicConnectionProtocol):
    """One connection. `answer` returns the response to a query."""

    def __init__(self, *arguments: Any, answer: Callable[[bytes], bytes], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answer = answer
        self._asked: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if not isinstance(event, StreamDataReceived):
            return
        data = self._asked.pop(event.stream_id, b"") + event.data
        if len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            self._asked[event.stream_id] = data
            return
        reply = self._answer(data[2:])
        self._quic.send_stream_data(event.stream_id, len(reply).to_bytes(2, "big") + reply, end_stream=True)
        self.transmit()


def listen(certificates: Path, answer: Callable[[bytes], bytes], delay: float) -> list[UdpAnywhere]:
    """Opens the port for both address families, at every address. Datagrams are handled `delay` seconds late."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=[PROTOCOL])
    configuration.load_cert_chain(certificates / CHAIN, certificates / KEY)
    ports = []
    for family in (socket.AF_INET, socket.AF_INET6):
        server = QuicServer(
            configuration=configuration,
            create_protocol=lambda *arguments, **named: DoqResponder(*arguments, answer=answer, **named),
        )
        port = UdpAnywhere(family, PORT, heard_late(server.datagram_received, delay))
        server.connection_made(cast(Any, port))
        ports.append(port)
    return ports
