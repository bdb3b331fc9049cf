"""What the first bytes of a stream say that it is, whatever its port.

Each answer may be `MORE`: too few bytes to tell, and none of them speaks against it.
"""

from typing import Final

from monitor.wire.http import METHOD_MAX, METHODS
from monitor.wire.octets import two

MORE: Final = 0
TLS: Final = 1
HTTP: Final = 2
PROXY: Final = 3
UNKNOWN: Final = 4

# The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt, sections 2.1 and 2.2).
PROXY_1: Final = b"PROXY "
PROXY_1_MAX: Final = 107
PROXY_2: Final = b"\r\n\r\n\0\r\nQUIT\n"
PROXY_2_HEADER: Final = 16


def recognise(data: bytes) -> int:
    """What a stream is that starts with `data`."""
    first = data[0]
    if first == 0x16:
        return recognise_hello(data)
    if 0x41 <= first <= 0x5A:
        kind = _recognise_http(data)
        return kind if kind != UNKNOWN else _starts(data, PROXY_1)
    if first == 0x0D:
        return _starts(data, PROXY_2)
    return UNKNOWN


def recognise_hello(data: bytes) -> int:
    """Whether a TLS record with the start of a ClientHello is here: `TLS`, `MORE` or `UNKNOWN`.

    RFC 8446 section 5.1: record type 22, legacy version 0x03xx, length; section 4: message type 1 and a length, of
    which 24 bits never fill the first octet.
    """
    size = len(data)
    if data[0] != 0x16 or (size > 1 and data[1] != 3) or (size > 2 and data[2] > 4):
        return UNKNOWN
    if size < 6:
        return MORE
    if data[5] != 1 or two(data, 3) == 0 or two(data, 3) > 16384 or (size > 6 and two(data, 3) > 1 and data[6] != 0):
        return UNKNOWN
    return TLS


def proxy_length(data: bytes) -> int:
    """The length of the PROXY protocol's header, 0 where bytes are missing, -1 where it is none."""
    if data[0] == 0x0D:
        return PROXY_2_HEADER + two(data, 14) if len(data) >= PROXY_2_HEADER else 0
    end = data.find(b"\r\n", 0, PROXY_1_MAX)
    if end >= 0:
        return end + 2
    return 0 if len(data) < PROXY_1_MAX else -1


def _recognise_http(data: bytes) -> int:
    head = data[:METHOD_MAX]
    for method in METHODS:
        if head.startswith(method):
            return HTTP
        if method.startswith(head):
            return MORE
    return UNKNOWN


def _starts(data: bytes, signature: bytes) -> int:
    if data.startswith(signature):
        return PROXY
    return MORE if signature.startswith(data) else UNKNOWN
