"""Initial packets as aioquic protects them, with frames of our choice."""

from aioquic.quic.crypto import CryptoPair

from monitor.wire.quic.versions import VERSION_1, VERSION_2

FIRST_ID = bytes.fromhex("8394c8f03e515708")
PAYLOAD = 1_162

TYPE_BITS = {VERSION_1: 0xC0, VERSION_2: 0xD0}


def number(value: int) -> bytes:
    """A variable-length integer in one, two or four octets (RFC 9000 section 16)."""
    if value < 0x40:
        return bytes((value,))
    return (value | 0x4000).to_bytes(2, "big") if value < 0x4000 else (value | 0x8000_0000).to_bytes(4, "big")


def crypto(data: bytes, offset: int = 0) -> bytes:
    """A CRYPTO frame (RFC 9000 section 19.6)."""
    return b"\6" + number(offset) + number(len(data)) + data


def initial(
    frames: bytes, *, version: int = VERSION_1, key_id: bytes = FIRST_ID, destination: bytes | None = None,
    source: bytes = b"", token: bytes = b"", count: int = 0, client: bool = True, payload: int = PAYLOAD,
    fixed: bool = True,
) -> bytes:  # fmt: skip
    """One Initial packet, padded; `key_id` is the id from which keys are derived, `destination` the id in the header;
    `fixed` is the fixed bit."""
    pair = CryptoPair()
    pair.setup_initial(cid=key_id, is_client=client, version=version)
    plain = frames + bytes(max(0, payload - len(frames)))
    target = key_id if destination is None else destination
    header = bytes(((TYPE_BITS[version] | 3) & (0xFF if fixed else 0xBF),)) + version.to_bytes(4, "big")
    header += bytes((len(target),)) + target + bytes((len(source),)) + source
    header += number(len(token)) + token + number(4 + len(plain) + 16) + count.to_bytes(4, "big")
    protected: bytes = pair.encrypt_packet(header, plain, count)
    return protected
