"""Reads DHCP for IPv4: the host name of a client and its address (RFC 2131, RFC 2132)."""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.model import DhcpMessage, Observation, Packet
from monitor.wire.integers import four
from monitor.wire.link.cursor import Cursor

# The fixed part up to the magic number, and the offsets of its fields (RFC 2131 section 2).
FIXED: Final = 240
MAGIC: Final = 0x63825363
CLIENT_ADDRESS: Final = 12
YOUR_ADDRESS: Final = 16
HARDWARE_ADDRESS: Final = 28
SERVER_NAME: Final = 44
BOOT_FILE: Final = 108
MAGIC_AT: Final = 236

HARDWARE_ETHERNET: Final = 1

OPTION_PAD: Final = 0
OPTION_HOSTNAME: Final = 12
OPTION_LEASE: Final = 51
OPTION_OVERLOAD: Final = 52
OPTION_KIND: Final = 53
OPTION_FULL_NAME: Final = 81
OPTION_END: Final = 255

HOSTNAME_MAX: Final = 255
KINDS: Final = ("", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform")
OFFER: Final = 2
ACK: Final = 5
UNSPECIFIED: Final = bytes(4)


def read_dhcp(packet: Packet, cursor: Cursor, out: list[Observation], errors: ErrorCounts) -> None:
    """Appends the message at the cursor; plain BOOTP, without a message type, gives none."""
    data = cursor.data
    at = cursor.start
    if not cursor.has(FIXED):
        errors.add("dhcp", "too_short")
        return
    if four(data, at + MAGIC_AT) != MAGIC:
        return
    options: dict[int, bytes] = {}
    if not _read_options(data, at + FIXED, cursor.end, options):
        errors.add("dhcp", "malformed")
    _read_overload(data, at, options)
    kind = options.get(OPTION_KIND, b"")
    if len(kind) != 1 or not 0 < kind[0] < len(KINDS) or data[at + 1] != HARDWARE_ETHERNET or data[at + 2] != 6:
        return
    message = DhcpMessage(packet, KINDS[kind[0]], data[at + HARDWARE_ADDRESS : at + HARDWARE_ADDRESS + 6])
    if kind[0] == OFFER or kind[0] == ACK:
        message.address = _given_address(data, at)
    message.hostname = _hostname(options)
    lease = options.get(OPTION_LEASE, b"")
    if len(lease) == 4:
        message.lease = four(lease, 0)
    out.append(message)


def _read_options(data: bytes, at: int, end: int, options: dict[int, bytes]) -> bool:
    """Collects options; parts of a long one are joined (RFC 3396 section 5). Returns false if one is cut."""
    while at < end:
        code = data[at]
        if code == OPTION_END:
            return True
        if code == OPTION_PAD:
            at += 1
            continue
        if at + 2 > end or at + 2 + data[at + 1] > end:
            return False
        begin = at + 2
        at = begin + data[at + 1]
        options[code] = options.get(code, b"") + data[begin:at]
    return True


def _read_overload(data: bytes, at: int, options: dict[int, bytes]) -> None:
    """RFC 2132 section 9.3: the fields for the file and the server's name may hold options, in this order."""
    overload = options.get(OPTION_OVERLOAD, b"")
    if len(overload) != 1:
        return
    if overload[0] & 1:
        _read_options(data, at + BOOT_FILE, at + MAGIC_AT, options)
    if overload[0] & 2:
        _read_options(data, at + SERVER_NAME, at + BOOT_FILE, options)


def _given_address(data: bytes, at: int) -> bytes:
    """Returns the address that the server assigns; for an INFORM, which requests none, the client's address."""
    given = data[at + YOUR_ADDRESS : at + YOUR_ADDRESS + 4]
    if given == UNSPECIFIED:
        given = data[at + CLIENT_ADDRESS : at + CLIENT_ADDRESS + 4]
    return b"" if given == UNSPECIFIED else given


def _hostname(options: dict[int, bytes]) -> bytes:
    """Returns the name that the client sent, else the first label of its full name (RFC 4702 section 2)."""
    name = options.get(OPTION_HOSTNAME, b"")
    full = options.get(OPTION_FULL_NAME, b"")
    if not name and len(full) > 3:
        name = first_label(full, 3) if full[0] & 4 else full[3:].split(b".")[0]
    return name.rstrip(b"\0")[:HOSTNAME_MAX]


def first_label(name: bytes, at: int) -> bytes:
    """Returns the first label of a name in DNS wire format, `b""` if it is cut."""
    if at >= len(name) or name[at] > 63 or at + 1 + name[at] > len(name):
        return b""
    return name[at + 1 : at + 1 + name[at]]
