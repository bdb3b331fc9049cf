"""Enters tunnels over UDP: VXLAN, Geneve, GTP-U, Teredo, AYIYA, L2TP, LISP, CAPWAP, and GRE and MPLS in UDP.

The port selects the candidate, and the header must fit it, because a client's ephemeral port can be any of these
numbers. A step leaves the cursor at the inner packet; if it returns false, the cursor has not moved.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import four, two
from monitor.wire.link.cursor import ETHERNET, IP_BY_VERSION, IPV4, IPV6, NOTHING, PPP, Cursor
from monitor.wire.link.encapsulation import BRIDGED_ETHERNET, MPLS, SERVICE_CHAIN
from monitor.wire.link.tunnels import enter_gre
from monitor.wire.link.wifi import enter_wifi_from_controller

PORT_L2TP: Final = 1701
PORT_GTP: Final = 2152
PORT_GTP_0: Final = 3386
PORT_TEREDO: Final = 3544
PORT_LISP: Final = 4341
PORT_GRE: Final = 4754
PORT_VXLAN: Final = 4789
PORT_VXLAN_GPE: Final = 4790
PORT_AYIYA: Final = 5072
PORT_CAPWAP: Final = 5247
PORT_GENEVE: Final = 6081
PORT_MPLS: Final = 6635
# Linux's port from before the assignment, still its default.
PORT_VXLAN_LINUX: Final = 8472

PORTS: Final = frozenset(
    (
        PORT_L2TP, PORT_GTP, PORT_GTP_0, PORT_TEREDO, PORT_LISP, PORT_GRE, PORT_VXLAN, PORT_VXLAN_GPE, PORT_AYIYA,
        PORT_CAPWAP, PORT_GENEVE, PORT_MPLS, PORT_VXLAN_LINUX,
    )
)  # fmt: skip
LOWEST: Final = PORT_L2TP
HIGHEST: Final = PORT_VXLAN_LINUX

IP_HEADER: Final = 20
# RFC 6081 section 4: a few may stand behind the packet.
TEREDO_TRAILERS_MAX: Final = 64

GTP_VERSION_1: Final = 0x30
GTP_VERSION_0: Final = 0x10
GTP_USER_DATA: Final = 255
GTP_OPTIONS: Final = 0x07
GTP_EXTENSION: Final = 0x04
GTP_EXTENSIONS_MAX: Final = 16


def enter_udp_tunnel(cursor: Cursor, source: int, destination: int, errors: ErrorCounts) -> bool:
    """Enters the tunnel of the destination port, else of the source port. The cursor must be at the UDP payload."""
    start = cursor.start
    for port in (destination, source):
        if port in PORTS and _enter_by_port(cursor, port, errors) and cursor.start < cursor.end:
            return True
        cursor.start = start
    return False


def _enter_by_port(cursor: Cursor, port: int, errors: ErrorCounts) -> bool:
    if not cursor.has(4):
        return False
    if port in (PORT_VXLAN, PORT_VXLAN_LINUX):
        return _enter_vxlan(cursor)
    if port in (PORT_GTP, PORT_GTP_0):
        return _enter_gtp(cursor)
    if port == PORT_TEREDO:
        return _enter_teredo(cursor)
    if port == PORT_GENEVE:
        return _enter_geneve(cursor)
    if port == PORT_VXLAN_GPE:
        return _enter_vxlan_gpe(cursor)
    if port == PORT_L2TP:
        return _enter_l2tp(cursor)
    if port == PORT_AYIYA:
        return _enter_ayiya(cursor)
    if port == PORT_CAPWAP:
        return _enter_capwap(cursor)
    if port == PORT_LISP:
        return _enter_lisp(cursor)
    if port == PORT_MPLS:
        return _enter_mpls(cursor)
    return enter_gre(cursor, errors)


def _enter_vxlan(cursor: Cursor) -> bool:
    """RFC 7348 section 5: the I flag and a network identifier; Ethernet. Reserved bits are ignored.

    In the upper half of the flag byte only the top bit is used (policy groups); QUIC, which may also use this port,
    always sets the next one.
    """
    if not cursor.has(8) or cursor.data[cursor.start] & 0x78 != 0x08:
        return False
    cursor.skip(8, ETHERNET)
    return True


def _enter_vxlan_gpe(cursor: Cursor) -> bool:
    """draft-ietf-nvo3-vxlan-gpe section 3: with the P flag the fourth byte is the type of the inner packet."""
    if not cursor.has(8) or cursor.data[cursor.start] & 0x78 != 0x08:
        return False
    inside = cursor.data[cursor.start + 3] if cursor.data[cursor.start] & 0x04 else 3
    kinds = (NOTHING, IPV4, IPV6, ETHERNET, SERVICE_CHAIN, MPLS)
    cursor.skip(8, kinds[inside] if inside < len(kinds) else NOTHING)
    return cursor.kind != NOTHING


def _enter_geneve(cursor: Cursor) -> bool:
    """RFC 8926 section 3.4: version 0, the options' length in words, an EtherType."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(8) or data[at] >> 6:
        return False
    kind = two(data, at + 2)
    cursor.skip(8 + (data[at] & 0x3F) * 4, kind)
    return kind in (IPV4, IPV6, BRIDGED_ETHERNET, MPLS, SERVICE_CHAIN)


def _enter_gtp(cursor: Cursor) -> bool:
    """3GPP TS 29.281 section 5.1 (version 1) and TS 09.60 (version 0): user data is IP."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(8) or data[at + 1] != GTP_USER_DATA:
        return False
    if data[at] & 0xF0 == GTP_VERSION_0:
        cursor.start += 20
    elif data[at] & 0xF0 != GTP_VERSION_1:
        return False
    else:
        cursor.start += 8
        if data[at] & GTP_OPTIONS:
            cursor.start += 4
            if data[at] & GTP_EXTENSION and not _skip_gtp_extensions(cursor):
                return False
    if not cursor.has(1) or data[cursor.start] >> 4 not in (4, 6):
        return False
    cursor.kind = IP_BY_VERSION
    return True


def _skip_gtp_extensions(cursor: Cursor) -> bool:
    """TS 29.281 section 5.2: the previous byte is the type; each extension has its length in words and
    the next type.
    """
    data = cursor.data
    for _ in range(GTP_EXTENSIONS_MAX):
        if not cursor.has(1):
            return False
        if data[cursor.start - 1] == 0:
            return True
        if data[cursor.start] == 0:
            return False
        cursor.start += data[cursor.start] * 4
    return False


def _enter_teredo(cursor: Cursor) -> bool:
    """RFC 4380 section 5.1.1: an authentication and an origin header may precede the IPv6 packet."""
    data = cursor.data
    if two(data, cursor.start) == 1:
        cursor.start += 13 + data[cursor.start + 2] + data[cursor.start + 3]
    if cursor.has(8) and two(data, cursor.start) == 0:
        cursor.start += 8
    cursor.kind = IPV6
    return cursor.has(40) and data[cursor.start] >> 4 == 6 and _has_ip(cursor, cursor.start, TEREDO_TRAILERS_MAX)


def _enter_ayiya(cursor: Cursor) -> bool:
    """draft-massar-v6ops-ayiya section 4: lengths of identity and signature, then the type of the inner packet."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(8) or data[at + 3] != 41 or data[at + 2] & 0x0F != 1:
        return False
    cursor.skip(8 + (1 << (data[at] >> 4)) + (data[at + 1] >> 4) * 4, IPV6)
    return True


def _enter_l2tp(cursor: Cursor) -> bool:
    """RFC 2661 section 3.1: a data message of version 2; length, sequence and offset fields where flagged; PPP."""
    data = cursor.data
    flags = two(data, cursor.start)
    if flags & 0x8000 or flags & 0x000F != 2:
        return False
    size = 6
    if flags & 0x4000:
        size += 2
    if flags & 0x0800:
        size += 4
    if flags & 0x0200:
        if not cursor.has(size + 2):
            return False
        size += 2 + two(data, cursor.start + size)
    cursor.skip(size, PPP)
    return True


def _enter_lisp(cursor: Cursor) -> bool:
    """RFC 9300 section 5.1: 8 bytes, then IP; as the header has no constant, a whole IP packet must follow."""
    cursor.skip(8, IP_BY_VERSION)
    return _has_ip(cursor, cursor.start, 0)


def _has_ip(cursor: Cursor, at: int, behind: int) -> bool:
    """Whether `at` is the start of an IP packet that ends at the end of the payload, or at most `behind` octets before.

    The version alone is not enough: one in eight random payloads has 4 or 6 in these bits.
    """
    if cursor.end - at < IP_HEADER:
        return False
    data = cursor.data
    version = data[at] >> 4
    if version == 4:
        size = two(data, at + 2)
    elif version == 6:
        size = two(data, at + 4) + 40
    else:
        return False
    return 0 <= cursor.wire_end - at - size <= behind


def _enter_mpls(cursor: Cursor) -> bool:
    """RFC 7510 section 3: labels; only a stack with IP after the last label is accepted."""
    data = cursor.data
    at = cursor.start
    while cursor.end - at >= 5:
        if data[at + 2] & 1:
            cursor.kind = MPLS
            return _has_ip(cursor, at + 4, 0)
        at += 4
    return False


def _enter_capwap(cursor: Cursor) -> bool:
    """RFC 5415 section 4.3: a header with its length in words and the content type; fragments are not read."""
    header = four(cursor.data, cursor.start)
    # Version and type 0 (DTLS is type 1), the fragment and keep-alive flags.
    if header & 0xFF000088:
        return False
    cursor.start += (header >> 19 & 0x1F) * 4
    if header & 0x100:
        enter_wifi_from_controller(cursor)
    else:
        cursor.kind = ETHERNET
    return cursor.kind != NOTHING
