"""Formats parts of the presentation format: addresses, character strings, times, type bitmaps (RFC 1035
section 5.1).
"""

from typing import Final

from monitor.wire.dns.codes import type_name
from monitor.wire.integers import two

_V4_MAPPED: Final = bytes(10) + b"\xff\xff"
# Inside quotes all printable characters but the quote and the backslash represent themselves.
_STRING: Final[list[str]] = [
    f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}" for byte in range(256)
]


def address_text(address: bytes) -> str:
    """Returns an address of 4 or 16 bytes as text, IPv6 by RFC 5952 section 4."""
    if len(address) == 4:
        return f"{address[0]}.{address[1]}.{address[2]}.{address[3]}"
    if address.startswith(_V4_MAPPED):
        return "::ffff:" + address_text(address[12:16])
    groups = [two(address, at) for at in range(0, 16, 2)]
    start, length = _longest_zeros(groups)
    if length < 2:
        return _groups_text(groups)
    return _groups_text(groups[:start]) + "::" + _groups_text(groups[start + length :])


def _groups_text(groups: list[int]) -> str:
    return ":".join([f"{group:x}" for group in groups])


def _longest_zeros(groups: list[int]) -> tuple[int, int]:
    """Returns the start and the length of the first longest run of zeros."""
    best = 0
    best_length = 0
    length = 0
    for index, group in enumerate(groups):
        length = length + 1 if group == 0 else 0
        if length > best_length:
            best = index + 1 - length
            best_length = length
    return best, best_length


def string_text(value: bytes) -> str:
    """Returns a character string in its form between quotes."""
    return "".join([_STRING[byte] for byte in value])


def generic_text(value: bytes) -> str:
    """Rdata of any type (RFC 3597 section 5): `\\# 3 0a0b0c`."""
    return f"\\# {len(value)} {value.hex()}" if value else "\\# 0"


def time_text(seconds: int) -> str:
    """Returns seconds since the epoch as `YYYYMMDDHHmmSS` in UTC (RFC 4034 section 3.2)."""
    days = seconds // 86400
    rest = seconds % 86400
    # Days since 1 March of year 0: then the leap day is the last of its year, and of its 4 and 400 years.
    days += 719468
    era = days // 146097
    day = days % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (1 if month <= 2 else 0)
    return f"{year:04d}{month:02d}{day:02d}{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}"


def bitmap_text(value: bytes) -> str | None:
    """Returns the types of a bitmap (RFC 4034 section 4.1.2), None if the bytes are not a bitmap."""
    names: list[str] = []
    at = 0
    before = -1
    while at < len(value):
        if at + 2 > len(value) or not 1 <= value[at + 1] <= 32 or value[at] <= before:
            return None
        window = value[at]
        behind = at + 2 + value[at + 1]
        if behind > len(value):
            return None
        for index in range(at + 2, behind):
            for bit in range(8):
                if value[index] & 0x80 >> bit:
                    names.append(type_name(window << 8 | (index - at - 2) << 3 | bit))
        before = window
        at = behind
    return " ".join(names)
