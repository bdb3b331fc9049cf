"""Parses one device: a MAC address in any common notation, or an IP address."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

MAC_BYTES: Final = 6
# aa:bb:cc:dd:ee:ff, aa-bb-…, also without leading zeros; aabb.ccdd.eeff; aabbcc-ddeeff; aabbccddeeff.
_BYTES: Final = re.compile(r"[0-9a-f]{1,2}(?:([:-])[0-9a-f]{1,2})(?:\1[0-9a-f]{1,2}){4}", re.IGNORECASE)
_WORDS: Final = re.compile(r"[0-9a-f]{4}([:.-])[0-9a-f]{4}\1[0-9a-f]{4}", re.IGNORECASE)
_HALVES: Final = re.compile(r"[0-9a-f]{6}[:.-]?[0-9a-f]{6}", re.IGNORECASE)
_MARKS: Final = re.compile(r"[:.-]")


def mac(text: str) -> bytes:
    """Returns the six bytes of a MAC address. Raises ValueError."""
    word = text.strip()
    if _BYTES.fullmatch(word):
        return bytes(int(part, 16) for part in _MARKS.split(word))
    if _WORDS.fullmatch(word) or _HALVES.fullmatch(word):
        return bytes.fromhex(_MARKS.sub("", word))
    raise ValueError(f"expected a MAC address such as aa:bb:cc:dd:ee:ff, got '{text}'")


def device_address(text: str) -> bytes | None:
    """Returns the packed address, None if the text is none. Ignores brackets and a zone (RFC 4007 section 11).

    An IPv4-mapped address becomes the IPv4 address it contains.
    """
    try:
        found = ip_address(text.strip().removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).packed


def packed_device(text: str) -> bytes:
    """Returns a MAC or IP address, packed: 6, 4 or 16 bytes. Raises ValueError."""
    try:
        return mac(text)
    except ValueError:
        pass
    address = device_address(text)
    if address is None:
        raise ValueError(f"expected a MAC address or an address, got '{text}'")
    return address
