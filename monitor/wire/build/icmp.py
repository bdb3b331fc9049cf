"""Builds an ICMP error that quotes a datagram, so that the client stops at once.

Without it QUIC repeats its ClientHello for a second before it tries TCP (RFC 9002 section 6.2.2); a program with a
connected socket receives the error (RFC 1122 section 4.1.3.3, RFC 4443 section 3.1).
"""

import struct
from typing import Final

from monitor.model import KEY_V4, PROTOCOL_UDP
from monitor.wire.build.packets import UDP_BYTES, internet_checksum, network_header

ICMP: Final = 1
ICMPV6: Final = 58
PORT_UNREACHABLE_V4: Final = bytes((3, 3))
PORT_UNREACHABLE_V6: Final = bytes((1, 4))


def refusal_to_client(key: bytes) -> bytes:
    """Returns an ICMP port unreachable packet from the destination of the UDP flow `key` to its source.

    The quoted datagram is empty, because the original content is not stored. Its ports identify the socket.
    """
    half = 4 if len(key) == KEY_V4 else 16
    source, destination = key[:half], key[half : 2 * half]
    datagram = key[2 * half : 2 * half + 4] + struct.pack("!HH", UDP_BYTES, 0)
    quoted = network_header(source, destination, PROTOCOL_UDP, UDP_BYTES) + datagram
    kind, protocol = (PORT_UNREACHABLE_V4, ICMP) if half == 4 else (PORT_UNREACHABLE_V6, ICMPV6)
    body = bytes(4) + quoted
    length = len(kind) + 2 + len(body)
    pseudo = b"" if half == 4 else destination + source + struct.pack("!IxxxB", length, ICMPV6)
    checksum = internet_checksum(pseudo + kind + bytes(2) + body)
    return network_header(destination, source, protocol, length) + kind + struct.pack("!H", checksum) + body
