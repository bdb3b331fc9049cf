"""Reads which host has which address on this link: ARP and IPv6 neighbour discovery.

Only claims of a host about itself count: the sender of ARP, the source or target link-layer address option of neighbour
and router messages. Any host on the link can forge these; the caller decides how far to trust them.
"""

from typing import Final

from monitor.model import Frame, Neighbour, Observation
from monitor.wire.integers import two
from monitor.wire.link.cursor import Cursor

ARP_MESSAGE: Final = 28
HARDWARE_ETHERNET: Final = 1
ARP_IPV4: Final = 0x0800

ROUTER_SOLICITATION: Final = 133
ROUTER_ADVERTISEMENT: Final = 134
NEIGHBOUR_SOLICITATION: Final = 135
NEIGHBOUR_ADVERTISEMENT: Final = 136
OPTION_SOURCE: Final = 1
OPTION_TARGET: Final = 2
# RFC 4861 section 7.1: a packet that passed a router is not of this link.
HOP_LIMIT: Final = 255

UNSPECIFIED_V4: Final = bytes(4)
UNSPECIFIED_V6: Final = bytes(16)
NO_MAC: Final = bytes(6)


def read_arp(cursor: Cursor, frame: Frame, out: list[Observation]) -> None:
    """RFC 826: reads the sender's pair; a probe (RFC 5227 section 1.1) has none."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(ARP_MESSAGE):
        return
    if two(data, at) != HARDWARE_ETHERNET or two(data, at + 2) != ARP_IPV4 or data[at + 4] != 6 or data[at + 5] != 4:
        return
    if two(data, at + 6) not in (1, 2):
        return
    _report(frame, data[at + 14 : at + 18], data[at + 8 : at + 14], out)


def read_discovery(cursor: Cursor, frame: Frame, out: list[Observation]) -> None:
    """RFC 4861 section 4; the cursor must be at an ICMPv6 header."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(8) or cursor.hop_limit != HOP_LIMIT:
        return
    kind = data[at]
    if kind == ROUTER_SOLICITATION:
        _read_option(cursor, at + 8, OPTION_SOURCE, cursor.addresses[0:16], frame, out)
    elif kind == ROUTER_ADVERTISEMENT:
        _read_option(cursor, at + 16, OPTION_SOURCE, cursor.addresses[0:16], frame, out)
    elif kind == NEIGHBOUR_SOLICITATION:
        _read_option(cursor, at + 24, OPTION_SOURCE, cursor.addresses[0:16], frame, out)
    elif kind == NEIGHBOUR_ADVERTISEMENT and cursor.has(24):
        _read_option(cursor, at + 24, OPTION_TARGET, data[at + 8 : at + 24], frame, out)


def _read_option(cursor: Cursor, at: int, wanted: int, address: bytes, frame: Frame, out: list[Observation]) -> None:
    """Options of 8-byte units from `at`; the wanted one is a MAC if it is one unit long."""
    data = cursor.data
    while cursor.end - at >= 8 and data[at + 1]:
        if data[at] == wanted and data[at + 1] == 1:
            _report(frame, address, data[at + 2 : at + 8], out)
            return
        at += data[at + 1] * 8


def _report(frame: Frame, address: bytes, mac: bytes, out: list[Observation]) -> None:
    if address in (UNSPECIFIED_V4, UNSPECIFIED_V6) or mac == NO_MAC or mac[0] & 1:
        return
    out.append(Neighbour(frame.time, frame.interface, address, mac))
