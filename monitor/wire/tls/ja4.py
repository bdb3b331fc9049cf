"""Computes JA4, the fingerprint of a TLS client: https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md.

`t13d1516h2_8daaf6152771_e5627efa2ab1` consists of transport, highest version, presence of a server name, the number of
ciphers and extensions, first and last character of the first ALPN; then hashes of the sorted ciphers and of the sorted
extensions with the signature algorithms in their order. GREASE values (RFC 8701) are left out everywhere.
"""

from hashlib import sha256
from typing import Final

from monitor.wire.tls.client_hello import ALPN, SERVER_NAME, Hello, is_grease

NOTHING: Final = "000000000000"
COUNT_MAX: Final = 99
# Separates extensions and signature algorithms in the input of a hash.
SEPARATOR: Final = -1
# Maximum of cached hashes: a network has a few hundred kinds of clients. Unusually long lists are not cached.
HASHES_MAX: Final = 1024
NUMBERS_MAX: Final = 128

_COUNTS: Final = [f"{count:02d}" for count in range(COUNT_MAX + 1)]
_hashes: Final[dict[tuple[int, ...], str]] = {}

_VERSIONS: Final[dict[int, str]] = {
    0x0304: "13",
    0x0303: "12",
    0x0302: "11",
    0x0301: "10",
    0x0300: "s3",
    0x0200: "s2",
    0x0002: "s2",
}


def fingerprint(hello: Hello, quic: bool) -> str:
    """Returns the JA4 of a ClientHello: 36 characters."""
    ciphers = [number for number in hello.ciphers if not is_grease(number)]
    extensions = [number for number in hello.extensions if not is_grease(number)]
    signatures = [number for number in hello.signatures if not is_grease(number)]
    head = (
        ("q" if quic else "t")
        + _VERSIONS.get(highest_number(hello), "00")
        + ("d" if SERVER_NAME in extensions else "i")
        + _COUNTS[min(len(ciphers), COUNT_MAX)]
        + _COUNTS[min(len(extensions), COUNT_MAX)]
        + _ends(hello.alpn[0] if hello.alpn else b"")
    )
    return f"{head}_{_hash_ciphers(ciphers)}_{_hash_extensions(extensions, signatures)}"


def highest_number(hello: Hello) -> int:
    """Returns the largest version number offered, known or not."""
    highest = 0
    for version in hello.versions:
        if version > highest and not is_grease(version):
            highest = version
    return highest if highest else hello.legacy_version


def _hash_ciphers(ciphers: list[int]) -> str:
    return _hash(sorted(ciphers), []) if ciphers else NOTHING


def _hash_extensions(extensions: list[int], signatures: list[int]) -> str:
    kept = sorted([number for number in extensions if number != SERVER_NAME and number != ALPN])
    return _hash(kept, signatures) if kept else NOTHING


def _hash(numbers: list[int], signatures: list[int]) -> str:
    """Returns the hash of the two lists as text. Clients of one kind have the same lists: their hash is cached."""
    made_of = (*numbers, SEPARATOR, *signatures) if signatures else tuple(numbers)
    known = _hashes.get(made_of)
    if known is not None:
        return known
    text = ",".join([f"{number:04x}" for number in numbers])
    if signatures:
        text += "_" + ",".join([f"{number:04x}" for number in signatures])
    found = sha256(text.encode()).hexdigest()[:12]
    if len(made_of) <= NUMBERS_MAX:
        if len(_hashes) >= HASHES_MAX:
            _hashes.clear()
        _hashes[made_of] = found
    return found


def _ends(protocol: bytes) -> str:
    """Returns first and last character; of the hexadecimal form if one of them is not alphanumeric ASCII."""
    if not protocol:
        return "00"
    ends = protocol[:1] + protocol[-1:]
    if ends.isalnum():
        return ends.decode("ascii")
    text = protocol.hex()
    return text[0] + text[len(text) - 1]
