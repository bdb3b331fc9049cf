"""Decodes wireless LAN data frames that were not encrypted or were decrypted by the capture (IEEE 802.11 section 9.2).

Radio headers before the frame (radiotap, Prism, AVS) are skipped by their length.
"""

from typing import Final

from monitor.wire.integers import two
from monitor.wire.link.cursor import LLC, NOTHING, Cursor

TYPE_MASK: Final = 0x0C
TYPE_DATA: Final = 0x08
SUBTYPE_QOS: Final = 0x80
SUBTYPE_NO_DATA: Final = 0x40
TO_DISTRIBUTION: Final = 0x01
FROM_DISTRIBUTION: Final = 0x02
PROTECTED: Final = 0x40
ORDER: Final = 0x80
AGGREGATE: Final = 0x80


def enter_radio(cursor: Cursor, size: int) -> None:
    """Moves over a radio header of `size` bytes and the wireless header after it."""
    if size < 8:
        cursor.kind = NOTHING
        return
    cursor.start += size
    enter_wifi(cursor)


def enter_wifi(cursor: Cursor) -> None:
    """Moves over the header of a data frame; LLC follows. Only the first subframe of an aggregate is read."""
    cursor.kind = NOTHING
    if cursor.has(24):
        _enter_data(cursor, cursor.data[cursor.start], cursor.data[cursor.start + 1])


def enter_wifi_from_controller(cursor: Cursor) -> None:
    """As `enter_wifi`, inside CAPWAP, where some controllers swap the two bytes of frame control."""
    cursor.kind = NOTHING
    if not cursor.has(24):
        return
    first = cursor.data[cursor.start]
    second = cursor.data[cursor.start + 1]
    if first & 0x0F == TYPE_DATA:
        _enter_data(cursor, first, second)
    elif second & 0x0F == TYPE_DATA:
        _enter_data(cursor, second, first)


def _enter_data(cursor: Cursor, control: int, flags: int) -> None:
    data = cursor.data
    at = cursor.start
    if control & TYPE_MASK != TYPE_DATA or control & SUBTYPE_NO_DATA or flags & PROTECTED:
        return
    cursor.ethernet = _addresses(data, at, flags)
    header = 24
    if flags & TO_DISTRIBUTION and flags & FROM_DISTRIBUTION:
        header += 6
    aggregate = False
    if control & SUBTYPE_QOS:
        if not cursor.has(header + 2):
            return
        aggregate = data[at + header] & AGGREGATE != 0
        header += 6 if flags & ORDER else 2
    cursor.skip(header, LLC)
    if aggregate:
        _enter_subframe(cursor)


def _addresses(data: bytes, at: int, flags: int) -> bytes:
    """Returns destination and source; the direction bits select them among three or four addresses (table 9-30)."""
    if flags & TO_DISTRIBUTION and flags & FROM_DISTRIBUTION:
        return data[at + 16 : at + 22] + data[at + 24 : at + 30]
    if flags & TO_DISTRIBUTION:
        return data[at + 16 : at + 22] + data[at + 10 : at + 16]
    if flags & FROM_DISTRIBUTION:
        return data[at + 4 : at + 10] + data[at + 16 : at + 22]
    return data[at + 4 : at + 16]


def _enter_subframe(cursor: Cursor) -> None:
    """Destination, source, length of an A-MSDU's first subframe."""
    if not cursor.has(14):
        cursor.skip(14, NOTHING)
        return
    size = two(cursor.data, cursor.start + 12)
    cursor.ethernet = cursor.data[cursor.start : cursor.start + 12]
    cursor.skip(14, LLC)
    cursor.end = min(cursor.end, cursor.start + size)
    cursor.wire_end = min(cursor.wire_end, cursor.start + size)
