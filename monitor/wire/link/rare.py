"""The links that only old captures and carriers' networks have: ATM, frame relay, token ring, FDDI, ARCNET, and the
wrappers of BSD, Solaris, Apple, Juniper and switch chips. Numbers and layouts as in `headers.py`.
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.wire.integers import two
from monitor.wire.link.cursor import ARP, ETHERNET, HDLC, IP_BY_VERSION, IPV4, LLC, NLPID, NOTHING, PPP, Cursor

LINK_TOKEN_RING: Final = 6
LINK_ARCNET: Final = 7
LINK_SLIP: Final = 8
LINK_FDDI: Final = 10
LINK_ATM_RFC1483_BSD: Final = 11
LINK_ATM_RFC1483: Final = 100
LINK_ATM_CLIP: Final = 106
LINK_FRAME_RELAY: Final = 107
LINK_ENC: Final = 109
LINK_PFLOG: Final = 117
LINK_IP_OVER_FC: Final = 122
LINK_SUNATM: Final = 123
LINK_ARCNET_LINUX: Final = 129
LINK_APPLE_FIREWIRE: Final = 138
LINK_JUNIPER_ETHER: Final = 178
LINK_JUNIPER_PPP: Final = 179
LINK_JUNIPER_RELAY: Final = 180
LINK_JUNIPER_HDLC: Final = 181
LINK_RELAY_DIRECTION: Final = 206
LINK_IPNET: Final = 226
LINK_NETANALYZER: Final = 240
LINK_IPOIB: Final = 242
LINK_SWITCH_BROADCOM: Final = 281
LINK_SWITCH_BROADCOM_BEFORE: Final = 282
LINK_SWITCH_MARVELL: Final = 284
LINK_SWITCH_MARVELL_TYPED: Final = 285

ARCNET_IP_OLD: Final = 240
ARCNET_ARP_OLD: Final = 241
ARCNET_IP: Final = 212
ARCNET_ARP: Final = 213

JUNIPER_MAGIC: Final = b"MGC"
JUNIPER_EXTENSIONS: Final = 0x80
JUNIPER_NO_LINK_HEADER: Final = 0x02


def enter_rare(cursor: Cursor, link: int, errors: ErrorCounts) -> None:
    """Moves over the header of such a link. The caller has checked for 4 bytes, and checks `start` afterwards."""
    if link in (LINK_ATM_RFC1483, LINK_ATM_RFC1483_BSD):
        cursor.kind = LLC
    elif link == LINK_ATM_CLIP:
        # The kernel writes the LLC header or not, depending on the interface's settings.
        cursor.kind = LLC if cursor.data[cursor.start] == 0xAA else IP_BY_VERSION
    elif link == LINK_SUNATM:
        cursor.skip(4, LLC if cursor.data[cursor.start] & 0x0F == 2 else NOTHING)
    elif link == LINK_FRAME_RELAY:
        _enter_relay(cursor)
    elif link == LINK_RELAY_DIRECTION:
        cursor.start += 1
        _enter_relay(cursor)
    elif link == LINK_TOKEN_RING:
        _enter_token_ring(cursor)
    elif link == LINK_FDDI:
        cursor.ethernet = cursor.data[1:13] if cursor.has(13) else b""
        cursor.skip(13, LLC)
    elif link in (LINK_ARCNET, LINK_ARCNET_LINUX):
        _enter_arcnet(cursor, 4 if link == LINK_ARCNET_LINUX else 2)
    elif LINK_JUNIPER_ETHER <= link <= LINK_JUNIPER_HDLC:
        _enter_juniper(cursor, link)
    elif link in (LINK_SWITCH_BROADCOM, LINK_SWITCH_MARVELL):
        _enter_switch(cursor, 4)
    elif link == LINK_SWITCH_MARVELL_TYPED:
        _enter_switch(cursor, 8)
    else:
        _enter_fixed(cursor, link, errors)


def _enter_fixed(cursor: Cursor, link: int, errors: ErrorCounts) -> None:
    """Headers of one length, with an EtherType inside or IP after them."""
    if link == LINK_IP_OVER_FC:
        cursor.skip(16, LLC)
    elif link == LINK_ENC:
        cursor.skip(12, IP_BY_VERSION)
    elif link == LINK_PFLOG:
        cursor.skip((cursor.data[cursor.start] + 3) & ~3, IP_BY_VERSION)
    elif link == LINK_SLIP:
        cursor.skip(16, IP_BY_VERSION)
    elif link in (LINK_SWITCH_BROADCOM_BEFORE, LINK_NETANALYZER):
        cursor.skip(4, ETHERNET)
    elif link == LINK_IPNET:
        cursor.skip(24, IP_BY_VERSION)
    elif link == LINK_IPOIB:
        _enter_typed(cursor, 40, 44)
    elif link == LINK_APPLE_FIREWIRE:
        _enter_typed(cursor, 16, 18)
    else:
        errors.add("link", "unknown_link")


def _enter_typed(cursor: Cursor, type_at: int, header: int) -> None:
    cursor.skip(header, two(cursor.data, cursor.start + type_at) if cursor.has(header) else NOTHING)


def _enter_relay(cursor: Cursor) -> None:
    """Frame relay: an address of 2 to 4 bytes whose last has bit 0 set (Q.922), then RFC 2427 section 3.

    Cisco's own encapsulation has an EtherType instead of the control byte 3.
    """
    data = cursor.data
    at = cursor.start
    last = min(at + 4, cursor.end) - 1
    while at < last and not data[at] & 1:
        at += 1
    cursor.start = at + 1
    if not cursor.has(2):
        cursor.kind = NOTHING
    elif data[cursor.start] == 3:
        cursor.skip(1, NLPID)
    else:
        cursor.skip(2, two(data, cursor.start))


def _enter_token_ring(cursor: Cursor) -> None:
    """IEEE 802.5: access and frame control, two addresses; the top bit of the source announces a route field."""
    header = 14
    if cursor.has(16) and cursor.data[cursor.start + 8] & 0x80:
        header += cursor.data[cursor.start + 14] & 0x1F
    cursor.skip(header, LLC)


def _enter_arcnet(cursor: Cursor, type_at: int) -> None:
    """ARCNET: in RFC 1051 IP follows the type byte, in RFC 1201 a split flag and a sequence number precede it.

    Packets that were split over several frames are not read.
    """
    cursor.start += type_at
    if not cursor.has(4):
        cursor.kind = NOTHING
        return
    system = cursor.data[cursor.start]
    whole = cursor.data[cursor.start + 1] == 0
    if system == ARCNET_IP_OLD:
        cursor.skip(1, IPV4)
    elif system == ARCNET_ARP_OLD:
        cursor.skip(1, ARP)
    elif system == ARCNET_IP and whole:
        cursor.skip(4, IPV4)
    elif system == ARCNET_ARP and whole:
        cursor.skip(4, ARP)
    else:
        cursor.kind = NOTHING


def _enter_juniper(cursor: Cursor, link: int) -> None:
    """Juniper's wrapper: a magic number, flags, and extensions with their length; then the frame."""
    data = cursor.data
    at = cursor.start
    flags = data[at + 3]
    if data[at : at + 3] != JUNIPER_MAGIC or flags & JUNIPER_NO_LINK_HEADER:
        cursor.kind = NOTHING
        return
    cursor.start += 6 + two(data, at + 4) if flags & JUNIPER_EXTENSIONS and cursor.has(6) else 4
    if link == LINK_JUNIPER_ETHER:
        cursor.kind = ETHERNET
    elif link == LINK_JUNIPER_PPP:
        cursor.kind = PPP
    elif link == LINK_JUNIPER_HDLC:
        cursor.kind = HDLC
    else:
        _enter_relay(cursor)


def _enter_switch(cursor: Cursor, tag: int) -> None:
    """A switch chip's port tag between the addresses and the EtherType."""
    cursor.ethernet = cursor.data[cursor.start : cursor.start + 12] if cursor.has(12) else b""
    _enter_typed(cursor, 12 + tag, 14 + tag)
