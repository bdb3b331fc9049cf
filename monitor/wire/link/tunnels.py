"""Enters tunnels by IP protocol number: the content of GRE, IP in IP, EtherIP, MPLS and old IPIP.

A step leaves the cursor at the inner packet, with its `kind`; it returns false if there is nothing to decode. Tunnels
over UDP are in `udp_tunnels.py`.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import two
from monitor.wire.link.cursor import ETHERNET, IP_BY_VERSION, IPV4, IPV6, NOTHING, Cursor
from monitor.wire.link.encapsulation import BRIDGED_ETHERNET, MPLS, PPP_ETHERTYPE
from monitor.wire.link.wifi import enter_wifi

PROTOCOL_IPIP: Final = 4
PROTOCOL_IPV6: Final = 41
PROTOCOL_GRE: Final = 47
PROTOCOL_IPIP_OLD: Final = 94
PROTOCOL_ETHERIP: Final = 97
PROTOCOL_MPLS: Final = 137
PROTOCOL_ETHERNET: Final = 143

GRE_CHECKSUM: Final = 0x8000
GRE_ROUTING: Final = 0x4000
GRE_KEY: Final = 0x2000
GRE_SEQUENCE: Final = 0x1000
GRE_ACKNOWLEDGMENT: Final = 0x0080
GRE_VERSION: Final = 0x0007

GRE_ERSPAN: Final = 0x88BE
GRE_ERSPAN_3: Final = 0x22EB
GRE_WCCP: Final = 0x883E
# Aruba's access points send the wireless frames of each of their interfaces under a number of its own.
GRE_ARUBA_FIRST: Final = 0x8200
GRE_ARUBA_LAST: Final = 0x8370
GRE_ARUBA_ALL: Final = 0x9000


def enter_tunnel(cursor: Cursor, protocol: int, errors: ErrorCounts) -> bool:
    """Step into a tunnel that has an IP protocol number of its own."""
    if protocol == PROTOCOL_GRE:
        return enter_gre(cursor, errors)
    if protocol in (PROTOCOL_IPIP, PROTOCOL_IPV6, PROTOCOL_IPIP_OLD):
        # Both numbers occur with both versions inside; the version nibble decides.
        cursor.kind = IP_BY_VERSION
    elif protocol == PROTOCOL_ETHERIP:
        cursor.skip(2, ETHERNET)
    elif protocol == PROTOCOL_ETHERNET:
        cursor.kind = ETHERNET
    elif protocol == PROTOCOL_MPLS:
        cursor.kind = MPLS
    else:
        return False
    return cursor.start < cursor.end


def enter_gre(cursor: Cursor, errors: ErrorCounts) -> bool:
    """RFC 2784 section 2 with RFC 2890's key and sequence; version 1 is PPTP's (RFC 2637 section 4.1)."""
    if not cursor.has(4):
        errors.add("tunnel", "too_short")
        return False
    data = cursor.data
    flags = two(data, cursor.start)
    kind = two(data, cursor.start + 2)
    version = flags & GRE_VERSION
    if version > 1 or (version == 1 and kind != PPP_ETHERTYPE):
        errors.add("tunnel", "malformed")
        return False
    size = 4
    if flags & (GRE_CHECKSUM | GRE_ROUTING):
        size += 4
    if flags & GRE_KEY:
        size += 4
    if flags & GRE_SEQUENCE:
        size += 4
    if version == 1 and flags & GRE_ACKNOWLEDGMENT:
        size += 4
    cursor.skip(size, kind)
    if version == 0 and flags & GRE_ROUTING:
        _skip_routes(cursor)
    if cursor.start >= cursor.end:
        return False
    _follow_gre(cursor, kind, flags)
    return cursor.kind != NOTHING


def _skip_routes(cursor: Cursor) -> None:
    """Source route entries of RFC 1701, each with its length; an empty one ends them."""
    while cursor.has(4):
        kind = two(cursor.data, cursor.start)
        size = cursor.data[cursor.start + 3]
        cursor.start += 4 + size
        if kind == 0 and size == 0:
            return


def _follow_gre(cursor: Cursor, kind: int, flags: int) -> None:
    """Handles a GRE protocol type; most are EtherTypes."""
    if kind == GRE_ERSPAN:
        # Type I has no header of its own and no sequence number, type II both (draft-foschiano-erspan).
        cursor.skip(8 if flags & GRE_SEQUENCE else 0, ETHERNET)
    elif kind == GRE_ERSPAN_3:
        if not cursor.has(12):
            cursor.kind = NOTHING
            return
        cursor.skip(20 if cursor.data[cursor.start + 11] & 1 else 12, ETHERNET)
    elif kind == GRE_WCCP:
        # Version 2 has a redirect header of 4 bytes before the packet.
        cursor.skip(0 if cursor.data[cursor.start] >> 4 == 4 else 4, IPV4)
    elif GRE_ARUBA_FIRST <= kind <= GRE_ARUBA_LAST or kind == GRE_ARUBA_ALL:
        enter_wifi(cursor)
    elif kind not in (IPV4, IPV6, BRIDGED_ETHERNET, PPP_ETHERTYPE) and kind < 0x0600:
        cursor.kind = NOTHING
