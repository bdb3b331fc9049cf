"""Builds the smallest ClientHello with a server name, over TLS and QUIC, for tests of bans."""

from typing import Final

from monitor.wire.quic.crypto import NUMBER_MAX, TAG, ClientKeys
from monitor.wire.quic.versions import CRYPTO, VERSION_1, VERSIONS
from monitor.wire.tls.client_hello import SERVER_NAME

# RFC 9000 section 14.1: the minimum size of a client's first datagram.
INITIAL_BYTES: Final = 1_200
FIRST_BYTE: Final = 0xC3  # a long header, an Initial, a packet number of four octets
VERSION_12: Final = b"\x03\x03"
SUITES: Final = b"\x13\x01\x13\x02"  # RFC 8446 section B.4
NULL_COMPRESSION: Final = b"\x01\x00"


def client_hello(name: bytes, random: bytes) -> bytes:
    """Returns one TLS record (RFC 8446 section 5.1); `random` has 32 bytes."""
    return b"\x16\x03\x01" + _sized(handshake(name, random), 2)


def client_initial(name: bytes, random: bytes, connection_id: bytes) -> bytes:
    """Returns one datagram of QUIC version 1 (RFC 9000 section 17.2.2) with the whole ClientHello; the id has 8 to 20
    bytes.
    """
    hello = handshake(name, random)
    frames = bytes((CRYPTO, 0)) + _number(len(hello)) + hello
    head = bytes((FIRST_BYTE,)) + VERSION_1.to_bytes(4, "big") + _sized(connection_id, 1) + b"\0\0"
    room = INITIAL_BYTES - len(head) - 2 - NUMBER_MAX - TAG
    frames += bytes(max(0, room - len(frames)))
    head += _number(NUMBER_MAX + len(frames) + TAG)
    return ClientKeys(VERSIONS[VERSION_1], connection_id).seal(head, frames)


def handshake(name: bytes, random: bytes) -> bytes:
    """Returns the handshake message (RFC 8446 section 4.1.2; RFC 6066 section 3)."""
    server = _sized(b"\0" + _sized(name, 2), 2)
    extensions = SERVER_NAME.to_bytes(2, "big") + _sized(server, 2)
    body = VERSION_12 + random + b"\0" + _sized(SUITES, 2) + NULL_COMPRESSION + _sized(extensions, 2)
    return b"\x01" + _sized(body, 3)


def _number(value: int) -> bytes:
    """A variable-length integer of two octets (RFC 9000 section 16)."""
    return (0x4000 | value).to_bytes(2, "big")


def _sized(content: bytes, octets: int) -> bytes:
    """Returns a vector after its length (RFC 8446 section 3.4)."""
    return len(content).to_bytes(octets, "big") + content
