"""An empty TCP segment as the far end of a flow would send it: a reset, or what asks for an answer."""

import struct
from typing import Final

from monitor.model import KEY_V4, PROTOCOL_TCP

HOPS: Final = 64
TCP_BYTES: Final = 20


def packet_to_client(key: bytes, sequence: int, flags: int) -> bytes:
    """The IP packet to the source of the flow `key` from its destination; `key` must be of TCP.

    `sequence` of a reset must be the acknowledgment number that the source sent last: about others it asks back
    (RFC 5961 section 3.2).
    """
    half = 4 if len(key) == KEY_V4 else 16
    source, destination = key[half : 2 * half], key[:half]
    ports = key[2 * half + 2 : 2 * half + 4] + key[2 * half : 2 * half + 2]
    head = ports + struct.pack("!IIBBH", sequence & 0xFFFFFFFF, 0, TCP_BYTES // 4 << 4, flags, 0)
    pseudo = source + destination + struct.pack("!HH", PROTOCOL_TCP, TCP_BYTES)
    segment = head + struct.pack("!HH", internet_checksum(pseudo + head + bytes(4)), 0)
    if half == 16:
        return struct.pack("!IHBB", 6 << 28, TCP_BYTES, PROTOCOL_TCP, HOPS) + source + destination + segment
    front = struct.pack("!BBHHHBB", 0x45, 0, 20 + TCP_BYTES, 0, 0x4000, HOPS, PROTOCOL_TCP)
    checksum = internet_checksum(front + bytes(2) + source + destination)
    return front + struct.pack("!H", checksum) + source + destination + segment


def internet_checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | data[at + 1]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
