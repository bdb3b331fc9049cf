"""Builds packets: those that the remote end of a TCP flow would send, and those of the self-test."""

import struct
from typing import Final

from monitor.model import KEY_V4, PROTOCOL_TCP, PROTOCOL_UDP

HOPS: Final = 64
TCP_BYTES: Final = 20
UDP_BYTES: Final = 8


def packet_to_client(key: bytes, sequence: int, flags: int) -> bytes:
    """Returns the IP packet without data to the source of the flow `key` from its destination; `key` must be of TCP.

    `sequence` of a reset must be the last acknowledgment number that the source sent: other numbers trigger a challenge
    ACK (RFC 5961 section 3.2).
    """
    half = 4 if len(key) == KEY_V4 else 16
    ports = key[2 * half + 2 : 2 * half + 4] + key[2 * half : 2 * half + 2]
    return tcp_packet(key[half : 2 * half], key[:half], ports, sequence, 0, flags)


def tcp_packet(
    source: bytes,
    destination: bytes,
    ports: bytes,
    sequence: int,
    acknowledgment: int,
    flags: int,
    window: int = 0,
    data: bytes = b"",
) -> bytes:
    """Returns an IP packet with one segment (RFC 9293 section 3.1); `ports` are those of the source and the
    destination.
    """
    size = TCP_BYTES + len(data)
    head = ports + struct.pack("!IIBBH", sequence & 0xFFFFFFFF, acknowledgment, TCP_BYTES // 4 << 4, flags, window)
    pseudo = source + destination + struct.pack("!HH", PROTOCOL_TCP, size)
    checksum = internet_checksum(pseudo + head + bytes(4) + data + bytes(len(data) % 2))
    segment = head + struct.pack("!HH", checksum, 0) + data
    return network_header(source, destination, PROTOCOL_TCP, size) + segment


def udp_packet(source: bytes, destination: bytes, ports: bytes, data: bytes) -> bytes:
    """Returns an IP packet with one datagram (RFC 768); `ports` are those of the source and the destination."""
    size = UDP_BYTES + len(data)
    pseudo = source + destination + struct.pack("!HH", PROTOCOL_UDP, size)
    head = ports + struct.pack("!H", size)
    # A checksum of zero would mean that there is none.
    checksum = internet_checksum(pseudo + head + bytes(2) + data + bytes(len(data) % 2)) or 0xFFFF
    return network_header(source, destination, PROTOCOL_UDP, size) + head + struct.pack("!H", checksum) + data


def network_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """Returns the IP header before a payload of that size and protocol."""
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, length, protocol, HOPS) + source + destination
    front = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 0, 0x4000, HOPS, protocol)
    return front + struct.pack("!H", internet_checksum(front + bytes(2) + source + destination)) + source + destination


def internet_checksum(data: bytes) -> int:
    """Returns the checksum of RFC 1071 over an even number of bytes."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | data[at + 1]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
