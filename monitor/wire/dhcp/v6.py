"""Reads DHCP for IPv6: the host name of a client and its address (RFC 8415, RFC 4704).

A client is identified by its DUID; only a DUID with a MAC (types 1 and 3) gives a message, because no other field
identifies a device.
"""

from typing import Final

from monitor.model import DhcpMessage, Observation, Packet
from monitor.wire.dhcp.v4 import HOSTNAME_MAX, first_label
from monitor.wire.integers import four, two
from monitor.wire.link.cursor import Cursor

RELAY_FORWARD: Final = 12
RELAY_REPLY: Final = 13
RELAY_HEADER: Final = 34
RELAYS_MAX: Final = 4

OPTION_CLIENT: Final = 1
OPTION_ADDRESSES: Final = 3
OPTION_ADDRESS: Final = 5
OPTION_RELAY_MESSAGE: Final = 9
OPTION_FULL_NAME: Final = 39

ADDRESSES_HEADER: Final = 12
KINDS: Final = (
    "", "solicit", "advertise", "request", "confirm", "renew", "rebind", "reply", "release", "decline", "reconfigure",
    "information-request",
)  # fmt: skip
ADVERTISE: Final = 2
REPLY: Final = 7


def read_dhcp6(packet: Packet, cursor: Cursor, out: list[Observation]) -> None:
    """Appends the message at the cursor, or the one inside the relays' messages."""
    data = cursor.data
    start = cursor.start
    end = cursor.end
    for _ in range(RELAYS_MAX):
        if end - start < 4 or data[start] not in (RELAY_FORWARD, RELAY_REPLY):
            break
        start, end = _find(data, start + RELAY_HEADER, end, OPTION_RELAY_MESSAGE)
    if end - start < 4 or not 0 < data[start] < len(KINDS):
        return
    mac = _client_mac(data, start + 4, end)
    if not mac:
        return
    message = DhcpMessage(packet, KINDS[data[start]], mac)
    message.hostname = _hostname(data, start + 4, end)
    if data[start] == ADVERTISE or data[start] == REPLY:
        _read_address(message, data, start + 4, end)
    out.append(message)


def _find(data: bytes, at: int, end: int, code: int) -> tuple[int, int]:
    """Returns start and end of the content of the first such option (RFC 8415 section 21.1), `(0, 0)` if
    there is none.
    """
    while end - at >= 4:
        size = two(data, at + 2)
        if size > end - at - 4:
            break
        if two(data, at) == code:
            return at + 4, at + 4 + size
        at += 4 + size
    return 0, 0


def _client_mac(data: bytes, at: int, end: int) -> bytes:
    """RFC 8415 section 11: the MAC in a DUID with a time (type 1) or without (type 3), of Ethernet."""
    start, stop = _find(data, at, end, OPTION_CLIENT)
    if stop - start >= 14 and four(data, start) == 0x00010001:
        return data[start + 8 : start + 14]
    if stop - start >= 10 and four(data, start) == 0x00030001:
        return data[start + 4 : start + 10]
    return b""


def _hostname(data: bytes, at: int, end: int) -> bytes:
    """RFC 4704 section 4: a flag byte, then a name in wire format."""
    start, stop = _find(data, at, end, OPTION_FULL_NAME)
    return first_label(data[start:stop], 1)[:HOSTNAME_MAX]


def _read_address(message: DhcpMessage, data: bytes, at: int, end: int) -> None:
    """RFC 8415 sections 21.4 and 21.6: the first address of the association, with its valid lifetime."""
    start, stop = _find(data, at, end, OPTION_ADDRESSES)
    start, stop = _find(data, start + ADDRESSES_HEADER, stop, OPTION_ADDRESS)
    if stop - start >= 24:
        message.address = data[start : start + 16]
        message.lease = four(data, start + 20)
