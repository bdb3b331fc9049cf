"""Decodes IPv4 and IPv6 headers, and the extension headers between IPv6 and its transport.

A step reads the header at the cursor, stores addresses, length and protocol in the cursor, moves to the end of the
header and narrows the ends to the packet. Checksums are never verified: captures on a sender contain packets before the
hardware fills them in.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import four, two
from monitor.wire.link.cursor import Cursor

IPV4_HEADER: Final = 20
IPV6_HEADER: Final = 40
ADDRESSES_V4: Final = 8
MORE_FRAGMENTS: Final = 0x2000
FRAGMENT_OFFSET: Final = 0x1FFF

HOP_BY_HOP: Final = 0
ROUTING: Final = 43
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
NO_NEXT_HEADER: Final = 59
DESTINATION_OPTIONS: Final = 60
MOBILITY: Final = 135
HOST_IDENTITY: Final = 139
SHIM6: Final = 140

EXTENSIONS: Final = frozenset(
    (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HOST_IDENTITY, SHIM6)
)

OPTION_JUMBO: Final = 0xC2
# A frame's padding after an empty packet is shorter than the headers of a packet with content.
PADDED_MIN: Final = 20
# Real packets have no more; a chain of empty headers is an attack on the decoder.
EXTENSIONS_MAX: Final = 32


def enter_ipv4(cursor: Cursor, errors: ErrorCounts) -> bool:
    """RFC 791 section 3.1; returns false (and counts) for an invalid header."""
    data = cursor.data
    at = cursor.start
    if cursor.end - at < IPV4_HEADER:
        errors.add("ipv4", "too_short")
        return False
    header = (data[at] & 15) << 2
    total = two(data, at + 2)
    if total == 0:
        # Segmentation offload: the sender's own capture sees the length before the hardware sets it.
        total = cursor.wire_end - at
    if data[at] >> 4 != 4 or header < IPV4_HEADER or total < header:
        errors.add("ipv4", "malformed")
        return False
    cursor.addresses = data[at + 12 : at + 20]
    cursor.length = total
    cursor.hop_limit = data[at + 8]
    cursor.protocol = data[at + 9]
    _narrow(cursor, at + total)
    cursor.start = at + header
    place = two(data, at + 6)
    cursor.fragmented = place & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0
    if cursor.fragmented:
        cursor.fragment_offset = (place & FRAGMENT_OFFSET) << 3
        cursor.more = place & MORE_FRAGMENTS != 0
        cursor.identification = data[at + 4 : at + 6]
    return True


def enter_ipv6(cursor: Cursor, errors: ErrorCounts) -> bool:
    """RFC 8200 section 3; returns false (and counts) for an invalid header. `skip_extensions` reads the extensions."""
    data = cursor.data
    at = cursor.start
    if cursor.end - at < IPV6_HEADER:
        errors.add("ipv6", "too_short")
        return False
    if data[at] >> 4 != 6:
        errors.add("ipv6", "malformed")
        return False
    payload = two(data, at + 4)
    total = IPV6_HEADER + payload if payload else _unstated_length(cursor)
    cursor.addresses = data[at + 8 : at + 40]
    cursor.length = total
    cursor.protocol = data[at + 6]
    cursor.hop_limit = data[at + 7]
    cursor.fragmented = False
    _narrow(cursor, at + total)
    cursor.start = at + IPV6_HEADER
    return True


def skip_extensions(cursor: Cursor, errors: ErrorCounts) -> bool:
    """Moves over the extension headers of RFC 8200 section 4 and later ones, and IPv4's authentication header.

    Stops after a fragment header if the rest is in other fragments (`fragmented`). Returns false if the chain is cut or
    too long; `protocol` is then the header that could not be read.
    """
    for _ in range(EXTENSIONS_MAX):
        if not is_extension(cursor):
            return True
        protocol = cursor.protocol
        data = cursor.data
        at = cursor.start
        if cursor.end - at < 8:
            errors.add("ipv6", "too_short")
            return False
        if protocol == FRAGMENT:
            _read_fragment_header(cursor)
            if cursor.fragmented:
                return True
            continue
        size = (data[at + 1] + 2) << 2 if protocol == AUTHENTICATION else (data[at + 1] + 1) << 3
        if cursor.wire_end - at < size:
            errors.add("ipv6", "malformed")
            return False
        cursor.protocol = data[at]
        cursor.start = at + size
    errors.add("ipv6", "malformed")
    return False


def is_extension(cursor: Cursor) -> bool:
    """Whether the next header is an extension to skip; in IPv4 only the authentication header is."""
    protocol = cursor.protocol
    if protocol in (6, 17):
        return False
    if len(cursor.addresses) == ADDRESSES_V4:
        return protocol == AUTHENTICATION
    return protocol in EXTENSIONS


def _read_fragment_header(cursor: Cursor) -> None:
    """RFC 8200 section 4.5. A first fragment without more to follow is whole (RFC 6946)."""
    data = cursor.data
    at = cursor.start
    place = two(data, at + 2)
    cursor.protocol = data[at]
    cursor.start = at + 8
    cursor.fragment_offset = place & 0xFFF8
    cursor.more = place & 1 != 0
    cursor.fragmented = cursor.more or cursor.fragment_offset > 0
    cursor.identification = data[at + 4 : at + 8]


def _unstated_length(cursor: Cursor) -> int:
    """Returns the length of an IPv6 packet with length field 0: jumbo (RFC 2675), not yet segmented, or empty."""
    data = cursor.data
    at = cursor.start
    room = cursor.wire_end - at
    following = data[at + 6]
    if following == HOP_BY_HOP and cursor.end - at >= IPV6_HEADER + 8:
        if data[at + 42] == OPTION_JUMBO and data[at + 43] == 4:
            return IPV6_HEADER + four(data, at + 44)
    elif (following == 6 or following == 17) and room >= IPV6_HEADER + PADDED_MIN:
        return room
    return IPV6_HEADER


def _narrow(cursor: Cursor, packet_end: int) -> None:
    """Applies the packet length of the header: bytes beyond it are padding, missing bytes were cut."""
    cursor.wire_end = packet_end
    if packet_end < cursor.end:
        cursor.end = packet_end
