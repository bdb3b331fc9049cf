"""Decodes the link header of each LINKTYPE_ number.

The numbers and header layouts are those of the registry at https://www.tcpdump.org/linktypes.html. A step moves the
cursor to the end of its header and sets `kind` to the next header, `NOTHING` if it is unsupported. An unknown link type
is counted, and so is a truncated header.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import four, four_little, two, two_little
from monitor.wire.link.cursor import ETHERNET, HDLC, IP_BY_VERSION, IPV4, IPV6, LLC, NOTHING, PPP, Cursor
from monitor.wire.link.rare import enter_rare
from monitor.wire.link.wifi import enter_radio, enter_wifi

LINK_NULL: Final = 0
LINK_ETHERNET: Final = 1
LINK_PPP: Final = 9
LINK_RAW_LINUX: Final = 12
LINK_RAW_OPENBSD: Final = 14
LINK_PPP_HDLC: Final = 50
LINK_PPP_ETHER: Final = 51
LINK_RAW: Final = 101
LINK_CISCO_HDLC: Final = 104
LINK_WIFI: Final = 105
LINK_LOOP: Final = 108
LINK_LINUX_COOKED: Final = 113
LINK_PRISM: Final = 119
LINK_RADIOTAP: Final = 127
LINK_APPLE_USER2: Final = 149
LINK_AVS: Final = 163
LINK_PPP_PPPD: Final = 166
LINK_PPI: Final = 192
LINK_PPP_DIRECTION: Final = 204
LINK_HDLC_DIRECTION: Final = 205
LINK_IPV4: Final = 228
LINK_IPV6: Final = 229
LINK_NFLOG: Final = 239
LINK_PKTAP: Final = 258
LINK_LINUX_COOKED_V2: Final = 276

# Address families as the systems that write LINKTYPE_NULL number them.
FAMILY_IPV4: Final = 2
FAMILIES_IPV6: Final = (10, 23, 24, 28, 30)

ETHERTYPE_PPPOE: Final = 0x8864
ETHERTYPE_MIN: Final = 0x0600
HARDWARE_NETLINK: Final = 824
COOKED_802_2: Final = 4

NFLOG_PAYLOAD: Final = 9
NFLOG_LINK_HEADER: Final = 16


def enter_link(cursor: Cursor, link: int, errors: ErrorCounts) -> None:
    """Moves over the link header of a frame."""
    if link == LINK_ETHERNET:
        cursor.kind = ETHERNET
    elif link in (LINK_RAW, LINK_RAW_LINUX, LINK_RAW_OPENBSD, LINK_IPV4, LINK_IPV6):
        cursor.kind = IP_BY_VERSION
    elif not cursor.has(4):
        errors.add("link", "too_short")
    elif link in (LINK_PPI, LINK_PKTAP, LINK_APPLE_USER2):
        _enter_wrapped(cursor, link, errors)
    else:
        _enter_by_number(cursor, link, errors)
        if cursor.start > cursor.end:
            errors.add("link", "too_short")
            cursor.kind = NOTHING


def _enter_by_number(cursor: Cursor, link: int, errors: ErrorCounts) -> None:
    if link == LINK_LINUX_COOKED:
        _enter_cooked(cursor, 14, 2, 16)
    elif link == LINK_LINUX_COOKED_V2:
        _enter_cooked(cursor, 0, 8, 20)
    elif link in (LINK_NULL, LINK_LOOP):
        _enter_loopback(cursor)
    elif link in (LINK_PPP, LINK_PPP_HDLC):
        _enter_ppp(cursor)
    elif link in (LINK_PPP_DIRECTION, LINK_PPP_PPPD):
        cursor.start += 1
        _enter_ppp(cursor)
    elif link == LINK_PPP_ETHER:
        cursor.kind = ETHERTYPE_PPPOE
    elif link == LINK_CISCO_HDLC:
        cursor.kind = HDLC
    elif link == LINK_HDLC_DIRECTION:
        cursor.skip(1, HDLC)
    elif link == LINK_NFLOG:
        _enter_nflog(cursor)
    elif link == LINK_WIFI:
        enter_wifi(cursor)
    elif link == LINK_RADIOTAP:
        enter_radio(cursor, two_little(cursor.data, cursor.start + 2))
    elif link in (LINK_PRISM, LINK_AVS):
        _enter_prism(cursor)
    else:
        enter_rare(cursor, link, errors)


def _enter_wrapped(cursor: Cursor, link: int, errors: ErrorCounts) -> None:
    """PPI and Apple's PKTAP: a header with its own length and the link type of its content; not nested."""
    data = cursor.data
    if not cursor.has(12):
        errors.add("link", "too_short")
        return
    size = two_little(data, 2) if link == LINK_PPI else four_little(data, 0)
    inner = four_little(data, 4) if link == LINK_PPI else four_little(data, 8)
    if size < 8 or size > len(data) or inner in (LINK_PPI, LINK_PKTAP, LINK_APPLE_USER2):
        errors.add("link", "malformed")
        return
    cursor.start += size
    enter_link(cursor, inner, errors)


def _enter_cooked(cursor: Cursor, type_at: int, hardware_at: int, header: int) -> None:
    """Linux cooked capture, both versions: an EtherType, or below 0x0600 a number of Linux's own.

    Of those only IEEE 802.2 can carry IP; with netlink's ARPHRD the field is a netlink family.
    """
    if not cursor.has(header):
        cursor.skip(header, NOTHING)
        return
    kind = two(cursor.data, cursor.start + type_at)
    if two(cursor.data, cursor.start + hardware_at) == HARDWARE_NETLINK:
        kind = NOTHING
    elif kind == COOKED_802_2:
        kind = LLC
    elif kind < ETHERTYPE_MIN:
        kind = NOTHING
    cursor.skip(header, kind)


def _enter_loopback(cursor: Cursor) -> None:
    """BSD loopback: an address family in the byte order of the machine that wrote it (NULL) or big endian (LOOP)."""
    data = cursor.data
    at = cursor.start
    if two(data, at) == 0xFF03:
        cursor.kind = PPP
        return
    family = four(data, at) if data[at] == 0 and data[at + 1] == 0 else four_little(data, at)
    if family == FAMILY_IPV4:
        cursor.skip(4, IPV4)
    elif family in FAMILIES_IPV6:
        cursor.skip(4, IPV6)
    else:
        # Some writers put an EtherType there, as a number or after two bytes of their own.
        kind = family if family <= 0xFFFF else two(data, at + 2)
        cursor.skip(4, kind if kind in (IPV4, IPV6) else NOTHING)


def _enter_ppp(cursor: Cursor) -> None:
    """PPP or Cisco HDLC. The address byte of HDLC is 0x0F (unicast) or 0x8F (multicast; RFC 1547 section 4.3.1)."""
    if not cursor.has(4):
        cursor.skip(4, NOTHING)
        return
    cursor.kind = HDLC if cursor.data[cursor.start] in (0x0F, 0x8F) else PPP


def _enter_prism(cursor: Cursor) -> None:
    """The Prism header has a fixed length. The AVS header, which may replace it, has a magic number and its length."""
    if four(cursor.data, cursor.start) & 0xFFFFF000 == 0x80211000:
        enter_radio(cursor, four(cursor.data, cursor.start + 4) if cursor.has(8) else 0)
    else:
        enter_radio(cursor, 144)


def _enter_nflog(cursor: Cursor) -> None:
    """Netfilter's log: family, version, group, then attributes in the byte order of the machine that wrote them.

    The payload attribute contains the packet; another attribute contains its Ethernet header.
    """
    data = cursor.data
    at = cursor.start + 4
    while cursor.end - at >= 4:
        size = two_little(data, at)
        code = two_little(data, at + 2)
        if code > 0xFF:
            size = two(data, at)
            code = two(data, at + 2)
        if size < 4:
            break
        if code == NFLOG_LINK_HEADER and size == 18 and cursor.end - at >= 18:
            cursor.ethernet = data[at + 4 : at + 16]
        if code == NFLOG_PAYLOAD:
            cursor.start = at + 4
            cursor.kind = IP_BY_VERSION
            return
        at += (size + 3) & ~3
    cursor.kind = NOTHING
