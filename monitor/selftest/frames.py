"""Hand-made frames that the self-test sends and receives: a TCP segment, a UDP datagram or an ICMP error."""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP, flow_key, key_destination, key_source, reverse_key
from monitor.wire.build.icmp import ICMP, ICMPV6, PORT_UNREACHABLE_V4, PORT_UNREACHABLE_V6
from monitor.wire.build.packets import tcp_packet, udp_packet

Seen = TypeVar("Seen")

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
        """Returns a segment of the opposite direction."""
        return Segment(reverse_key(self.key), sequence, acknowledgment, flags)

    def on(self, data: bytes, sequence: int, acknowledgment: int, flags: int) -> "Segment":
        """Returns a later segment of the same direction."""
        return Segment(self.key, sequence, acknowledgment, flags, data)


def make_frame(segment: Segment, mac: bytes) -> bytes:
    """Returns a frame from and to this MAC, which both ends of the self-test's veth pair have."""
    source, destination = key_source(segment.key), key_destination(segment.key)
    packet = tcp_packet(
        source, destination, segment.key[-5:-1], segment.sequence, segment.acknowledgment, segment.flags, WINDOW,
        segment.data,
    )  # fmt: skip
    return mac + mac + (ETHERNET_V4 if len(source) == 4 else ETHERNET_V6) + packet


def make_datagram(key: bytes, data: bytes, mac: bytes) -> bytes:
    """Returns a frame with a datagram of the direction `key`, from and to this MAC."""
    source, destination = key_source(key), key_destination(key)
    packet = udp_packet(source, destination, key[-5:-1], data)
    return mac + mac + (ETHERNET_V4 if len(source) == 4 else ETHERNET_V6) + packet


def read_segment(frame: bytes) -> Segment | None:
    """Returns the TCP segment without its data, None if the frame contains no TCP segment."""
    found = read_packet(frame)
    if found is None or found[0] != PROTOCOL_TCP or len(frame) < found[3] + 20:
        return None
    _, source, destination, at = found
    source_port, destination_port = struct.unpack_from("!HH", frame, at)
    sequence, acknowledgment, _, flags = TCP.unpack_from(frame, at + 4)
    return Segment(
        flow_key(source, destination, source_port, destination_port, PROTOCOL_TCP), sequence, acknowledgment, flags
    )


def read_refusal(frame: bytes) -> bytes | None:
    """Returns the flow key of the datagram that a port unreachable error refuses, None if it is no such error."""
    found = read_packet(frame)
    if found is None or found[0] not in (ICMP, ICMPV6):
        return None
    at = found[3]
    if frame[at : at + 2] != (PORT_UNREACHABLE_V4 if found[0] == ICMP else PORT_UNREACHABLE_V6):
        return None
    quoted = read_packet(frame[:HEADER] + frame[at + 8 :])
    if quoted is None or quoted[0] != PROTOCOL_UDP:
        return None
    source_port, destination_port = struct.unpack_from("!HH", frame, at + 8 - HEADER + quoted[3])
    return flow_key(quoted[1], quoted[2], source_port, destination_port, PROTOCOL_UDP)


def read_packet(frame: bytes) -> tuple[int, bytes, bytes, int] | None:
    """Returns protocol, source, destination and the offset of the IP payload, which has at least eight bytes."""
    if frame[12:HEADER] == ETHERNET_V4 and len(frame) > HEADER:
        half, at, protocol = 4, HEADER + 12, HEADER + 9
        transport = HEADER + (frame[HEADER] & 15) * 4
    elif frame[12:HEADER] == ETHERNET_V6:
        half, at, protocol = 16, HEADER + 8, HEADER + 6
        transport = HEADER + 40
    else:
        return None
    if len(frame) < transport + 8:
        return None
    return frame[protocol], frame[at : at + half], frame[at + half : at + 2 * half], transport


async def wait_for(frames: socket.socket, read: Callable[[bytes], Seen | None], wanted: Callable[[Seen], bool]) -> Seen:
    """Returns the first received frame that `read` parses and `wanted` accepts."""
    loop = asyncio.get_running_loop()
    while True:
        seen = read(await loop.sock_recv(frames, FRAME_BYTES))
        if seen is not None and wanted(seen):
            return seen
