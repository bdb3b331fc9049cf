"""Reads big-endian and little-endian integers from bytes; the caller has checked the length.

Machine integers (`i64`) compile to a shift and an or each, Python's to calls.
"""

from mypy_extensions import i64


def two(data: bytes, at: int) -> int:
    """The 16-bit integer in network order at `at`."""
    place: i64 = at
    high: i64 = data[place]
    low: i64 = data[place + 1]
    return high << 8 | low


def four(data: bytes, at: int) -> int:
    """The 32-bit integer in network order at `at`."""
    place: i64 = at
    first: i64 = data[place]
    second: i64 = data[place + 1]
    third: i64 = data[place + 2]
    fourth: i64 = data[place + 3]
    return first << 24 | second << 16 | third << 8 | fourth


def two_little(data: bytes, at: int) -> int:
    """The 16-bit integer in little-endian order at `at`."""
    place: i64 = at
    low: i64 = data[place]
    high: i64 = data[place + 1]
    return high << 8 | low


def four_little(data: bytes, at: int) -> int:
    """The 32-bit integer in little-endian order at `at`."""
    place: i64 = at
    first: i64 = data[place]
    second: i64 = data[place + 1]
    third: i64 = data[place + 2]
    fourth: i64 = data[place + 3]
    return fourth << 24 | third << 16 | second << 8 | first
