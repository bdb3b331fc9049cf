"""Reads the unprotected part of long headers of QUIC packets (RFC 9000 section 17.2, RFC 8999 section 5.1)."""

from typing import Final, final

from monitor.wire.integers import four, two
from monitor.wire.quic.versions import INITIAL, RETRY, VERSIONS, Version

LONG: Final = 0x80
CONNECTION_ID_MAX: Final = 20
# First byte, version, and the lengths of two connection ids.
SHORTEST: Final = 7

NO_NUMBER: Final = -1


@final
class Header:
    """`number_at` is the offset of the packet number, `end` that of the next packet in the datagram."""

    __slots__ = ("destination_id", "end", "kind", "number_at", "source_id", "start", "version")

    def __init__(self, version: Version, kind: int, start: int, end: int) -> None:
        self.version = version
        self.kind = kind
        self.start = start
        self.end = end
        self.number_at = 0
        self.destination_id = b""
        self.source_id = b""


def read_header(data: bytes, start: int, end: int) -> Header | None:
    """Returns the header at `start`; `None` if it is none, of an unknown version, or longer than the datagram.

    The fixed bit may be cleared by agreement (RFC 9287 section 3.1); the version and the AEAD identify such a packet.
    """
    if end - start < SHORTEST or data[start] & LONG != LONG:
        return None
    version = VERSIONS.get(four(data, start + 1))
    if version is None:
        return None
    header = Header(version, version.types[data[start] >> 4 & 3], start, end)
    at = start + 6 + data[start + 5]
    if at >= end or at + 1 + data[at] > end or data[start + 5] > CONNECTION_ID_MAX or data[at] > CONNECTION_ID_MAX:
        return None
    header.destination_id = data[start + 6 : at]
    header.source_id = data[at + 1 : at + 1 + data[at]]
    at += 1 + data[at]
    if header.kind == RETRY:
        return header
    return header if _read_lengths(header, data, at, end) else None


def _read_lengths(header: Header, data: bytes, at: int, end: int) -> bool:
    if header.kind == INITIAL:
        token = read_number(data, at, end)
        if token == NO_NUMBER:
            return False
        at = skip_number(data, at) + token
    length = read_number(data, at, end)
    if length == NO_NUMBER:
        return False
    header.number_at = skip_number(data, at)
    header.end = header.number_at + length
    return header.end <= end


def read_number(data: bytes, at: int, end: int) -> int:
    """Returns a variable-length integer (RFC 9000 section 16), `NO_NUMBER` if bytes are missing."""
    if at >= end:
        return NO_NUMBER
    first = data[at]
    kind = first >> 6
    if kind == 0:
        return first
    if at + (1 << kind) > end:
        return NO_NUMBER
    if kind == 1:
        return (first & 0x3F) << 8 | data[at + 1]
    if kind == 2:
        return four(data, at) & 0x3FFF_FFFF
    return (two(data, at) & 0x3FFF) << 48 | two(data, at + 2) << 32 | four(data, at + 4)


def skip_number(data: bytes, at: int) -> int:
    """Returns the offset after the variable-length integer that was read at `at`."""
    return at + (1 << (data[at] >> 6))
