"""Derives the keys of a client's Initial packets, and removes and applies their protection (RFC 9001 sections 5.2 to
5.4).
"""

from hmac import digest
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from monitor.wire.quic.header import Header
from monitor.wire.quic.versions import Version

SAMPLE: Final = 16
TAG: Final = 16
NUMBER_MAX: Final = 4


def expand_label(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) with SHA-256 and no context, up to 32 bytes."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\0\1"
    return digest(secret, info, "sha256")[:length]


@final
class ClientKeys:
    """The keys of one connection id. Deriving them takes about 20 µs, a packet 3 µs."""

    __slots__ = ("_aead", "_iv", "_largest", "_mask")

    def __init__(self, version: Version, connection_id: bytes) -> None:
        initial = digest(version.salt, connection_id, "sha256")
        secret = expand_label(initial, b"client in", 32)
        self._aead = AESGCM(expand_label(secret, version.prefix + b"key", 16))
        self._iv = int.from_bytes(expand_label(secret, version.prefix + b"iv", 12), "big")
        # One block at a time; ECB has no state, so one cipher object serves every packet.
        self._mask = Cipher(AES(expand_label(secret, version.prefix + b"hp", 16)), ECB()).encryptor()
        self._largest = -1

    def open(self, data: bytes, header: Header) -> bytes | None:
        """Returns the frames of a packet, `None` if it was not protected with these keys."""
        at = header.number_at
        # RFC 9001 section 5.4.2: the sample starts where the longest packet number would end.
        sample = at + NUMBER_MAX
        if sample + SAMPLE > header.end:
            return None
        mask = self._mask.update(data[sample : sample + SAMPLE])
        first = data[header.start] ^ (mask[0] & 0x0F)
        length = (first & 3) + 1
        truncated = 0
        number = b""
        for index in range(length):
            octet = data[at + index] ^ mask[1 + index]
            truncated = truncated << 8 | octet
            number += bytes((octet,))
        full = expand_packet_number(truncated, length, self._largest)
        nonce = (self._iv ^ full).to_bytes(12, "big")
        aad = bytes((first,)) + data[header.start + 1 : at] + number
        try:
            frames = self._aead.decrypt(nonce, data[at + length : header.end], aad)
        except InvalidTag:
            return None
        self._largest = max(self._largest, full)
        return frames

    def seal(self, head: bytes, frames: bytes) -> bytes:
        """Returns the protected packet number 0 in four octets, to follow `head`, whose two lowest bits are set."""
        number = bytes(NUMBER_MAX)
        sealed = self._aead.encrypt(self._iv.to_bytes(12, "big"), frames, head + number)
        mask = self._mask.update(sealed[:SAMPLE])
        return bytes((head[0] ^ (mask[0] & 0x0F),)) + head[1:] + mask[1 : 1 + NUMBER_MAX] + sealed


def expand_packet_number(truncated: int, length: int, largest: int) -> int:
    """The packet number nearest to the one expected (RFC 9000 appendix A.3); `largest` is -1 before the first."""
    expected = largest + 1
    window = 1 << 8 * length
    candidate = expected & ~(window - 1) | truncated
    if candidate <= expected - window // 2 and candidate < (1 << 62) - window:
        return candidate + window
    if candidate > expected + window // 2 and candidate >= window:
        return candidate - window
    return candidate
