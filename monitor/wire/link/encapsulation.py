"""Decodes the headers between the link and IP: Ethernet, VLAN tags, LLC, PPP, PPPoE, MPLS and similar ones.

`unwrap` follows the chain until the cursor is at an IP or ARP header, or at an unsupported one. Every step moves
forward or ends the chain, so the length of the frame bounds it.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import four, two
from monitor.wire.link.cursor import (
    ARP,
    ETHERNET,
    HDLC,
    IP_BY_VERSION,
    IPV4,
    IPV6,
    LLC,
    NLPID,
    NOTHING,
    PPP,
    Cursor,
)

VLAN: Final = 0x8100
SERVICE_VLAN: Final = 0x88A8
VLAN_OLD: Final = (0x9100, 0x9200, 0x9300)
BRIDGED_ETHERNET: Final = 0x6558
MPLS: Final = 0x8847
MPLS_MULTICAST: Final = 0x8848
PPPOE_SESSION: Final = 0x8864
PPP_ETHERTYPE: Final = 0x880B
BACKBONE: Final = 0x88E7
MACSEC: Final = 0x88E5
SERVICE_CHAIN: Final = 0x894F
CISCO_METADATA: Final = 0x8909
VN_TAG: Final = 0x8926
BRIDGE_PORT_TAG: Final = 0x893F

ETHERTYPE_MIN: Final = 0x0600

PPP_IPV4: Final = 0x0021
PPP_IPV6: Final = 0x0057
PPP_MPLS: Final = 0x0281
PPP_BRIDGED: Final = 0x0031

ISL_HEADER: Final = 26


def unwrap(cursor: Cursor, errors: ErrorCounts) -> None:
    """Follows the chain; afterwards `kind` is `IPV4`, `IPV6`, `ARP` or `NOTHING`."""
    while True:
        kind = cursor.kind
        if kind in (IPV4, IPV6, ARP, NOTHING):
            return
        if kind in (ETHERNET, BRIDGED_ETHERNET):
            _enter_ethernet(cursor)
        elif kind == IP_BY_VERSION:
            enter_by_version(cursor)
        elif kind in (VLAN, SERVICE_VLAN) or kind in VLAN_OLD:
            _enter_vlan(cursor)
        else:
            _enter_other(cursor, kind)
        if cursor.start > cursor.end:
            errors.add("link", "too_short")
            cursor.kind = NOTHING


def enter_by_version(cursor: Cursor) -> None:
    """Distinguishes IPv4 from IPv6 by the version in the first nibble."""
    cursor.kind = NOTHING
    if cursor.has(1):
        version = cursor.data[cursor.start] >> 4
        if version == 4:
            cursor.kind = IPV4
        elif version == 6:
            cursor.kind = IPV6


def _enter_ethernet(cursor: Cursor) -> None:
    """IEEE 802.3 section 3.1: destination, source, then an EtherType or, up to 1500, a length and LLC."""
    at = cursor.start
    if not cursor.has(14):
        cursor.skip(14, NOTHING)
        return
    data = cursor.data
    if data[at + 2] == 0x0C and data[at] <= 3 and four(data, at + 1) == 0x000C0000 and cursor.has(ISL_HEADER + 14):
        # Cisco's ISL puts its own header before the whole frame; its first bytes are multicast addresses of its own.
        cursor.skip(ISL_HEADER, ETHERNET)
        return
    cursor.ethernet = data[at : at + 12]
    cursor.skip(14, 0)
    _follow_type(cursor, two(data, at + 12))


def _follow_type(cursor: Cursor, type: int) -> None:
    """Handles the value of an EtherType field. A value below 0x0600 is a length, and an LLC header follows."""
    if type >= ETHERTYPE_MIN:
        cursor.kind = type
        return
    cursor.kind = LLC
    # Bytes beyond the length are padding or a check sequence.
    if 0 < type < cursor.wire_end - cursor.start:
        cursor.wire_end = cursor.start + type
        cursor.end = min(cursor.end, cursor.wire_end)


def _enter_vlan(cursor: Cursor) -> None:
    """IEEE 802.1Q section 9.6: priority, identifier, next type. Two tags are kept; the inner one is the customer's."""
    if not cursor.has(4):
        cursor.skip(4, NOTHING)
        return
    at = cursor.start
    if cursor.vlan <= 0x0FFF:
        cursor.vlan = cursor.vlan << 12 | (two(cursor.data, at) & 0x0FFF)
    cursor.start += 4
    _follow_type(cursor, two(cursor.data, at + 2))


def _enter_other(cursor: Cursor, kind: int) -> None:
    if not cursor.has(4):
        cursor.skip(4, NOTHING)
    elif kind == LLC:
        _enter_llc(cursor)
    elif kind in (PPP, PPP_ETHERTYPE):
        _enter_ppp(cursor)
    elif kind == HDLC:
        cursor.skip(4, two(cursor.data, cursor.start + 2))
    elif kind == NLPID:
        _enter_nlpid(cursor)
    elif kind == PPPOE_SESSION:
        _enter_pppoe(cursor)
    elif kind in (MPLS, MPLS_MULTICAST):
        _enter_mpls(cursor)
    else:
        _enter_tag(cursor, kind)


def _enter_llc(cursor: Cursor) -> None:
    """IEEE 802.2: SNAP carries an EtherType or a bridged frame, the service point 6 is IP (RFC 1042, RFC 2684)."""
    data = cursor.data
    at = cursor.start
    points = two(data, at)
    if points == 0xAAAA and data[at + 2] == 3 and cursor.has(8):
        _enter_snap(cursor, data[at + 3] << 16 | two(data, at + 4), two(data, at + 6), 3)
    elif points == 0x0606:
        cursor.skip(3, IPV4)
    elif points == 0xFEFE and data[at + 2] == 3:
        cursor.skip(3, NLPID)
    else:
        cursor.kind = NOTHING


def _enter_snap(cursor: Cursor, organization: int, protocol: int, before: int) -> None:
    """SNAP header: organization and protocol number, 5 bytes. Skips it and the `before` bytes before it."""
    cursor.start += before + 5
    if organization == 0 or organization == 0x0000F8:
        cursor.kind = protocol
    elif organization == 0x0080C2 and protocol == 0x0007:
        cursor.kind = ETHERNET
        # On ATM two bytes of padding stand before the bridged frame (RFC 2684 section 5.2); on frame relay none.
        if before == 3:
            cursor.start += 2
    else:
        cursor.kind = NOTHING


def _enter_nlpid(cursor: Cursor) -> None:
    """ISO 9577 network layer identifiers as RFC 2427 section 4 uses them; 0 is padding."""
    data = cursor.data
    at = cursor.start
    identifier = data[at]
    if identifier == 0:
        cursor.skip(1, NLPID)
    elif identifier == 0xCC:
        cursor.skip(1, IPV4)
    elif identifier == 0x8E:
        cursor.skip(1, IPV6)
    elif identifier == 0x80 and cursor.has(6):
        _enter_snap(cursor, data[at + 1] << 16 | two(data, at + 2), two(data, at + 4), 1)
    else:
        cursor.kind = NOTHING


def _enter_ppp(cursor: Cursor) -> None:
    """RFC 1661 section 2, RFC 1662 section 3.1: address and control may be left out, the protocol may be one byte."""
    data = cursor.data
    at = cursor.start
    if two(data, at) == 0xFF03:
        at += 2
    protocol = data[at]
    if protocol & 1:
        at += 1
    else:
        protocol = two(data, at)
        at += 2
    cursor.start = at
    if protocol == PPP_IPV4:
        cursor.kind = IPV4
    elif protocol == PPP_IPV6:
        cursor.kind = IPV6
    elif protocol == PPP_MPLS:
        cursor.kind = MPLS
    elif protocol == PPP_BRIDGED and cursor.has(2) and data[at + 1] == 1:
        cursor.skip(2, ETHERNET)
    else:
        cursor.kind = NOTHING


def _enter_pppoe(cursor: Cursor) -> None:
    """RFC 2516 section 4: version and type 1, code 0 for a session, session, length; then PPP without its address."""
    if not cursor.has(8) or cursor.data[cursor.start] != 0x11 or cursor.data[cursor.start + 1] != 0:
        cursor.kind = NOTHING
        return
    size = two(cursor.data, cursor.start + 4)
    cursor.skip(6, PPP)
    if 0 < size < cursor.wire_end - cursor.start:
        cursor.wire_end = cursor.start + size
        cursor.end = min(cursor.end, cursor.wire_end)


def _enter_mpls(cursor: Cursor) -> None:
    """RFC 3032 section 2.1: labels of 4 bytes, the last has bit 8 set; the payload has no type field.

    An IP version nibble identifies IP. Otherwise it may be a pseudowire: Ethernet after a control word of 4 bytes that
    begins with a zero nibble (RFC 4448 section 4.6), or without one. Ethernet is assumed only if its type can lead to
    IP.
    """
    data = cursor.data
    while not data[cursor.start + 2] & 1:
        cursor.start += 4
        if not cursor.has(4):
            cursor.kind = NOTHING
            return
    cursor.start += 4
    if not cursor.has(1):
        cursor.kind = NOTHING
        return
    nibble = data[cursor.start] >> 4
    if nibble == 4 or nibble == 6:
        enter_by_version(cursor)
    elif nibble == 0 and cursor.has(18) and _leads_to_ip(two(data, cursor.start + 16)):
        cursor.skip(4, ETHERNET)
    elif cursor.has(14) and _leads_to_ip(two(data, cursor.start + 12)):
        cursor.kind = ETHERNET
    else:
        cursor.kind = NOTHING


def _leads_to_ip(type: int) -> bool:
    return type in (IPV4, IPV6, ARP, VLAN, SERVICE_VLAN, MPLS, PPPOE_SESSION)


def _enter_tag(cursor: Cursor, kind: int) -> None:
    """Skips tags of known length between the addresses and the real EtherType."""
    data = cursor.data
    at = cursor.start
    if kind == CISCO_METADATA and cursor.has(8):
        cursor.skip(8, two(data, at + 6))
    elif kind == VN_TAG and cursor.has(6):
        cursor.skip(6, two(data, at + 4))
    elif kind == BRIDGE_PORT_TAG and cursor.has(8):
        cursor.skip(8, two(data, at + 6))
    elif kind == BACKBONE and cursor.has(18):
        # IEEE 802.1ah: 4 bytes of service identifier, then the customer's frame.
        cursor.skip(4, ETHERNET)
    elif kind == SERVICE_CHAIN and cursor.has(8):
        _enter_service_chain(cursor)
    elif kind == MACSEC and cursor.has(16):
        _enter_macsec(cursor)
    else:
        cursor.kind = NOTHING


def _enter_service_chain(cursor: Cursor) -> None:
    """NSH, RFC 8300 section 2.2: length in words in the low 6 bits of byte 1, the next protocol in byte 3."""
    size = (four(cursor.data, cursor.start) >> 16 & 0x3F) * 4
    following = cursor.data[cursor.start + 3]
    if size < 8:
        cursor.kind = NOTHING
    elif following == 1:
        cursor.skip(size, IPV4)
    elif following == 2:
        cursor.skip(size, IPV6)
    elif following == 3:
        cursor.skip(size, ETHERNET)
    elif following == 5:
        cursor.skip(size, MPLS)
    else:
        cursor.kind = NOTHING


def _enter_macsec(cursor: Cursor) -> None:
    """IEEE 802.1AE section 9.3: authenticated only (neither encrypted nor changed) frames can be read on."""
    control = cursor.data[cursor.start]
    if control & 0x0C:
        cursor.kind = NOTHING
        return
    header = 14 if control & 0x20 else 6
    cursor.skip(header + 2, two(cursor.data, cursor.start + header))
