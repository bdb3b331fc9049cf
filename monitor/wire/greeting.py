"""The smallest ClientHello that names a server, for who wants to see what becomes of one."""

from typing import Final

from monitor.wire.hello import SERVER_NAME

VERSION_12: Final = b"\x03\x03"
SUITES: Final = b"\x13\x01\x13\x02"  # RFC 8446 section B.4
NULL_COMPRESSION: Final = b"\x01\x00"


def client_hello(name: bytes, random: bytes) -> bytes:
    """One TLS record (RFC 8446 sections 4.1.2 and 5.1; RFC 6066 section 3); `random` has 32 bytes."""
    server = _sized(b"\0" + _sized(name, 2), 2)
    extensions = SERVER_NAME.to_bytes(2, "big") + _sized(server, 2)
    body = VERSION_12 + random + b"\0" + _sized(SUITES, 2) + NULL_COMPRESSION + _sized(extensions, 2)
    return b"\x16\x03\x01" + _sized(b"\x01" + _sized(body, 3), 2)


def _sized(content: bytes, octets: int) -> bytes:
    """A vector behind its length (RFC 8446 section 3.4)."""
    return len(content).to_bytes(octets, "big") + content
