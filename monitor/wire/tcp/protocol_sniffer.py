"""Identifies the protocol of a stream by its first bytes, on any port.

Each result may be `MORE`: too few bytes to decide, and none that rules the protocol out.
"""

from typing import Final

from monitor.wire.integers import two
from monitor.wire.tcp import http

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
# Records without content that may come before the ClientHello (OpenSSL: MAX_EMPTY_RECORDS).
EMPTY_RECORDS_MAX: Final = 32


def recognise(data: bytes) -> int:
    """Returns the protocol of a stream that starts with `data`."""
    first = data[0]
    if first == 0x16:
        return recognise_hello(data)
    if first == 0x0D or first == 0x0A:
        kind = _starts(data, PROXY_2)
        if kind != UNKNOWN:
            return kind
        # RFC 9112 section 2.2: servers ignore empty lines before a request.
        data = data.lstrip(b"\r\n")
        return _recognise_http(data) if data else MORE
    if 0x21 <= first <= 0x7E:
        kind = _recognise_http(data)
        return kind if kind != UNKNOWN else _starts(data, PROXY_1)
    return UNKNOWN


def recognise_hello(data: bytes) -> int:
    """Whether `data` begins with a TLS record that contains the start of a ClientHello: `TLS`, `MORE` or `UNKNOWN`.

    RFC 8446 section 5.1: record type 22, a legacy version that is ignored (RFC 5246 appendix E.1: any 0x03xx), length;
    section 4: message type 1 and a length of 24 bits, whose first octet is 0 in every ClientHello. Servers such as
    OpenSSL skip a few records without content.
    """
    at = 0
    size = len(data)
    for _ in range(EMPTY_RECORDS_MAX + 1):
        if size == at:
            return MORE
        if data[at] != 0x16 or (size > at + 1 and data[at + 1] != 3):
            return UNKNOWN
        if size < at + 5:
            return MORE
        length = two(data, at + 3)
        if length > 0:
            return _recognise_message(data, at + 5, length)
        at += 5
    return UNKNOWN


def _recognise_message(data: bytes, at: int, length: int) -> int:
    size = len(data)
    if length > 16384 or (size > at and data[at] != 1) or (size > at + 1 and length > 1 and data[at + 1] != 0):
        return UNKNOWN
    return TLS if size > at else MORE


def proxy_length(data: bytes) -> int:
    """Returns the length of the PROXY protocol's header, 0 if bytes are missing, -1 if there is none."""
    if data[0] == 0x0D:
        return PROXY_2_HEADER + two(data, 14) if len(data) >= PROXY_2_HEADER else 0
    end = data.find(b"\r\n", 0, PROXY_1_MAX)
    if end >= 0:
        return end + 2
    return 0 if len(data) < PROXY_1_MAX else -1


def _recognise_http(data: bytes) -> int:
    kind = http.recognise_request(data)
    return HTTP if kind == http.HOST else MORE if kind == http.MORE else UNKNOWN


def _starts(data: bytes, signature: bytes) -> int:
    if data.startswith(signature):
        return PROXY
    return MORE if signature.startswith(data) else UNKNOWN
