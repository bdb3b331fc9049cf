"""Lists the QUIC versions with public Initial keys: their salts, labels and packet types.

Initial packets are protected with keys derived from a public salt and a connection id in the packet (RFC 9001 section
5.2), so a middlebox can read them, while an attacker off the path cannot forge them.
"""

from typing import Final, final

INITIAL: Final = 0
ZERO_RTT: Final = 1
HANDSHAKE: Final = 2
RETRY: Final = 3

CRYPTO: Final = 0x06
CRYPTO_CHROMIUM: Final = 0x08

VERSION_1: Final = 0x00000001
VERSION_2: Final = 0x6B3343CF

# RFC 9001 section 5.2, RFC 9369 section 3.3.1, and the same section 5.2 of draft-ietf-quic-tls-22, -23 to -28, -29 on.
_SALT_1: Final = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_SALT_2: Final = bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")
_SALT_DRAFT_22: Final = bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")
_SALT_DRAFT_23: Final = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_SALT_DRAFT_29: Final = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
# Chromium's versions of QUIC with TLS, and draft-ietf-quic-v2-01 to -04 under their provisional number.
_SALT_T050: Final = bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310")
_SALT_T051: Final = bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d")
_SALT_DRAFT_2: Final = bytes.fromhex("a707c203a59b47184a1d62ca570406ea7ae3e5d3")

# RFC 9369 section 3.2: the types of version 2 are those of version 1, turned by one.
_TYPES_1: Final = (INITIAL, ZERO_RTT, HANDSHAKE, RETRY)
_TYPES_2: Final = (RETRY, INITIAL, ZERO_RTT, HANDSHAKE)


@final
class Version:
    """`types` is indexed by the two type bits of the first byte; `prefix` is the start of the key labels.

    `crypto` is the type of CRYPTO frames (RFC 9000 section 19.6; Chromium's own numbering had another).
    """

    __slots__ = ("crypto", "number", "prefix", "salt", "types")

    def __init__(self, number: int, salt: bytes, prefix: bytes, types: tuple[int, int, int, int], crypto: int) -> None:
        self.number = number
        self.salt = salt
        self.prefix = prefix
        self.types = types
        self.crypto = crypto


def _list_versions() -> dict[int, Version]:
    salts = {0xFF000000 + draft: _SALT_DRAFT_23 for draft in range(23, 29)}
    salts.update({0xFF000000 + draft: _SALT_DRAFT_29 for draft in range(29, 33)})
    salts.update({0xFF000016: _SALT_DRAFT_22, 0xFF000021: _SALT_1, 0xFF000022: _SALT_1, VERSION_1: _SALT_1})
    # Facebook's mvfst: https://github.com/facebook/mvfst/blob/main/quic/QuicConstants.h
    salts.update({0xFACEB001: _SALT_DRAFT_22, 0xFACEB002: _SALT_DRAFT_23, 0xFACEB00E: _SALT_DRAFT_23})
    versions = {number: Version(number, salt, b"quic ", _TYPES_1, CRYPTO) for number, salt in salts.items()}
    for number, salt in ((VERSION_2, _SALT_2), (0x709A50C4, _SALT_DRAFT_2)):
        versions[number] = Version(number, salt, b"quicv2 ", _TYPES_2, CRYPTO)
    for number, salt in ((0x54303530, _SALT_T050), (0x54303531, _SALT_T051)):
        versions[number] = Version(number, salt, b"quic ", _TYPES_1, CRYPTO_CHROMIUM)
    return versions


VERSIONS: Final[dict[int, Version]] = _list_versions()
