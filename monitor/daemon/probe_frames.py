"""What the self-test sends by hand and what comes back: Ethernet frames with one TCP segment each."""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitor.model import PROTOCOL_TCP, flow_key, key_destination, key_source, reverse_key
from monitor.wire.segment import tcp_packet

ETHERNET_V4: Final = b"\x08\x00"
ETHERNET_V6: Final = b"\x86\xdd"
HEADER: Final = 14
FRAME_BYTES: Final = 2_048
WINDOW: Final = 0xFFFF
TCP: Final = struct.Struct("!IIBB")


@dataclass(frozen=True)
class Segment:
    """A TCP segment and the key of its direction."""

    key: bytes
    sequence: int
    acknowledgment: int
    flags: int
    data: bytes = b""

    def back(self, sequence: int, acknowledgment: int, flags: int) -> "Segment":
        """One of the opposite direction."""
        return Segment(reverse_key(self.key), sequence, acknowledgment, flags)

    def on(self, data: bytes, sequence: int, acknowledgment: int, flags: int) -> "Segment":
        """A later one of the same direction."""
        return Segment(self.key, sequence, acknowledgment, flags, data)


def make_frame(segment: Segment, mac: bytes) -> bytes:
    """To and from this MAC, which both ends of the self-test's pair have."""
    source, destination = key_source(segment.key), key_destination(segment.key)
    packet = tcp_packet(
        source, destination, segment.key[-5:-1], segment.sequence, segment.acknowledgment, segment.flags, WINDOW,
        segment.data,
    )  # fmt: skip
    return mac + mac + (ETHERNET_V4 if len(source) == 4 else ETHERNET_V6) + packet


def read_frame(frame: bytes) -> Segment | None:
    """The segment, None where it is none; without its data."""
    if frame[12:HEADER] == ETHERNET_V4:
        half, at, protocol = 4, HEADER + 12, HEADER + 9
        transport = HEADER + (frame[HEADER] & 15) * 4
    elif frame[12:HEADER] == ETHERNET_V6:
        half, at, protocol = 16, HEADER + 8, HEADER + 6
        transport = HEADER + 40
    else:
        return None
    if len(frame) < transport + 20 or frame[protocol] != PROTOCOL_TCP:
        return None
    source, destination = frame[at : at + half], frame[at + half : at + 2 * half]
    source_port, destination_port = struct.unpack_from("!HH", frame, transport)
    sequence, acknowledgment, _, flags = TCP.unpack_from(frame, transport + 4)
    return Segment(
        flow_key(source, destination, source_port, destination_port, PROTOCOL_TCP), sequence, acknowledgment, flags
    )


async def wait_for(frames: socket.socket, wanted: Callable[[Segment], bool], seconds: float) -> Segment:
    """The first segment that comes and is wanted. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        while True:
            segment = read_frame(await loop.sock_recv(frames, FRAME_BYTES))
            if segment is not None and wanted(segment):
                return segment
