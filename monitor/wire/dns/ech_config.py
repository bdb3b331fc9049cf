"""Reads the public names of an ECHConfigList in HTTPS and SVCB answers (RFC 9849 section 4)."""

from typing import Final

from monitor.wire.integers import two
from monitor.wire.tls.client_hello import ENCRYPTED_CLIENT_HELLO, present_name

LENGTH: Final = 2
# Version and length, before the contents.
HEAD: Final = 4
# config_id and kem_id, before the public key.
KEY_HEAD: Final = 3
CONFIGS_MAX: Final = 16


def public_names(data: bytes, start: int, end: int) -> list[bytes]:
    """Returns the `public_name` of each configuration in `data[start:end]`, in lower case; none if the list cannot be
    read.

    A configuration of another version is skipped (section 4.1).
    """
    names: list[bytes] = []
    if end - start < LENGTH or start + LENGTH + two(data, start) != end:
        return names
    at = start + LENGTH
    for _ in range(CONFIGS_MAX):
        if at + HEAD > end:
            break
        behind = at + HEAD + two(data, at + 2)
        if behind > end:
            break
        if two(data, at) == ENCRYPTED_CLIENT_HELLO:
            name = _public_name(data, at + HEAD, behind)
            if name:
                names.append(name)
        at = behind
    return names


def _public_name(data: bytes, at: int, end: int) -> bytes:
    """HpkeKeyConfig (key and cipher suites, each behind two octets of length), maximum_name_length, public_name."""
    at += KEY_HEAD
    for _ in range(2):
        if at + LENGTH > end:
            return b""
        at += LENGTH + two(data, at)
    if at + 2 > end:
        return b""
    length = data[at + 1]
    return present_name(data[at + 2 : at + 2 + length]) if length and at + 2 + length <= end else b""
