"""Reads the fields of a ClientHello message (RFC 8446 section 4.1.2) needed for name, version and fingerprint.

The reader returns all that it can read: a ClientHello with broken extensions still has the fields before the damage;
`clean` is true if nothing is damaged. If a ClientHello is too long to be stored, its beginning is read (`partial`).
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.wire.integers import two

HEADER: Final = 4
RANDOM: Final = 32
SESSION_ID_MAX: Final = 32
# A DNS name has at most 253 characters (RFC 1035 section 2.3.4); a longer server name is not a host.
NAME_MAX: Final = 255

SERVER_NAME: Final = 0x0000
SIGNATURE_ALGORITHMS: Final = 0x000D
ALPN: Final = 0x0010
EARLY_DATA: Final = 0x002A
SUPPORTED_VERSIONS: Final = 0x002B
ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
ENCRYPTED_SERVER_NAME: Final = 0xFFCE


@mypyc_attr(acyclic=True)
@final
class Hello:
    """`extensions` are the types in order; `versions` those of supported_versions; `server_name` is raw."""

    __slots__ = (
        "alpn", "ciphers", "clean", "early_data", "ech", "esni", "extensions", "legacy_version", "partial", "random",
        "server_name", "signatures", "versions",
    )  # fmt: skip

    def __init__(self, legacy_version: int, random: bytes) -> None:
        self.legacy_version = legacy_version
        self.random = random
        self.ciphers: list[int] = []
        self.extensions: list[int] = []
        self.versions: list[int] = []
        self.signatures: list[int] = []
        self.alpn: list[bytes] = []
        self.server_name = b""
        self.ech = False
        self.esni = False
        self.early_data = False
        self.clean = False
        self.partial = False


def is_grease(value: int) -> bool:
    """Whether a 16-bit value is reserved as GREASE (RFC 8701 section 2)."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def read_hello(message: bytes, partial: bool = False) -> Hello | None:
    """Returns the fields of a handshake message with its header; `None` if it is not a ClientHello.

    The message is complete, or with `partial` its beginning. With supported_versions the legacy version may have any
    value (RFC 8446 section 4.2.1); without, a ClientHello of another major version is rejected.
    """
    hello = _read_fields(message, partial)
    if hello is None or hello.legacy_version >> 8 == 3 or hello.versions:
        return hello
    return None


def _read_fields(message: bytes, partial: bool) -> Hello | None:
    end = len(message)
    at = HEADER + 2 + RANDOM
    if end <= at or message[0] != 1 or message[at] > SESSION_ID_MAX:
        return None
    hello = Hello(two(message, HEADER), message[HEADER + 2 : at])
    hello.partial = partial
    at += 1 + message[at]
    if at + 2 > end:
        return None
    length = two(message, at)
    at += 2
    if length & 1 or length == 0 or at + length >= end:
        return hello
    hello.ciphers = _numbers(message, at, at + length)
    at += length
    at += 1 + message[at]
    # Before TLS 1.3 a hello may end here, without extensions (RFC 5246 section 7.4.1.2).
    if at == end:
        hello.clean = True
    elif at + 2 <= end and (partial or at + 2 + two(message, at) == end):
        hello.clean = _read_extensions(hello, message, at + 2, end)
    return hello


def present_name(name: bytes) -> bytes:
    """Returns a host name as lower-case presentation bytes: no trailing dot, unprintable bytes as `\\DDD`."""
    if len(name) > 1 and name.endswith(b"."):
        name = name[:-1]
    name = name.lower()
    for byte in name:
        if not is_plain(byte):
            return b"".join([b"%c" % byte if is_plain(byte) else b"\\%03d" % byte for byte in name])
    return name


def is_plain(byte: int) -> bool:
    """Whether the byte of a name represents itself: printable ASCII without the blank and the backslash."""
    return 0x20 < byte < 0x7F and byte != 0x5C


def _read_extensions(hello: Hello, data: bytes, at: int, end: int) -> bool:
    while at < end:
        if at + 4 > end:
            return False
        kind = two(data, at)
        start = at + 4
        at = start + two(data, at + 2)
        if at > end:
            return False
        hello.extensions.append(kind)
        if not _read_extension(hello, kind, data, start, at):
            return False
    return True


def _read_extension(hello: Hello, kind: int, data: bytes, start: int, end: int) -> bool:
    if kind == SERVER_NAME:
        return _read_server_name(hello, data, start, end)
    if kind == ALPN:
        return _read_alpn(hello, data, start, end)
    if kind == SUPPORTED_VERSIONS:
        # RFC 8446 section 4.2.1: one octet of length.
        return _read_versions(hello, data, start, end)
    if kind == SIGNATURE_ALGORITHMS:
        return _read_signatures(hello, data, start, end)
    if kind == EARLY_DATA:
        hello.early_data = True
    elif kind == ENCRYPTED_SERVER_NAME:
        # The drafts before ECH: never sent as GREASE.
        hello.esni = True
    elif kind == ENCRYPTED_CLIENT_HELLO and end > start and data[start] == 0:
        # RFC 9849 section 5: type 0 is the outer hello; the inner one never travels in the clear.
        hello.ech = True
    return True


def _read_server_name(hello: Hello, data: bytes, at: int, end: int) -> bool:
    """RFC 6066 section 3: a list of names; host_name (0) is the only type ever defined."""
    if at == end:
        return True
    if at + 2 > end or at + 2 + two(data, at) != end:
        return False
    at += 2
    while at < end:
        if at + 3 > end or at + 3 + two(data, at + 1) > end:
            return False
        behind = at + 3 + two(data, at + 1)
        if data[at] == 0 and not hello.server_name:
            if behind - at - 3 > NAME_MAX:
                return False
            hello.server_name = data[at + 3 : behind]
        at = behind
    return True


def _read_alpn(hello: Hello, data: bytes, at: int, end: int) -> bool:
    """RFC 7301 section 3.1: a list of names with one octet of length each."""
    if at + 2 > end or at + 2 + two(data, at) != end:
        return False
    at += 2
    while at < end:
        behind = at + 1 + data[at]
        if behind > end:
            return False
        hello.alpn.append(data[at + 1 : behind])
        at = behind
    return True


def _read_versions(hello: Hello, data: bytes, at: int, end: int) -> bool:
    if at == end or at + 1 + data[at] != end or data[at] & 1:
        return False
    hello.versions = _numbers(data, at + 1, end)
    return True


def _read_signatures(hello: Hello, data: bytes, at: int, end: int) -> bool:
    """RFC 8446 section 4.2.3: two octets of length, then schemes of two."""
    if at + 2 > end or at + 2 + two(data, at) != end or (end - at) & 1:
        return False
    hello.signatures = _numbers(data, at + 2, end)
    return True


def _numbers(data: bytes, at: int, end: int) -> list[int]:
    numbers: list[int] = []
    while at + 1 < end:
        numbers.append(data[at] << 8 | data[at + 1])
        at += 2
    return numbers
