"""Big-endian and little-endian integers out of bytes; the caller has checked that they are there."""


def two(data: bytes, at: int) -> int:
    """The 16-bit integer in network order at `at`."""
    return data[at] << 8 | data[at + 1]


def four(data: bytes, at: int) -> int:
    """The 32-bit integer in network order at `at`."""
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def two_little(data: bytes, at: int) -> int:
    """The 16-bit integer in little-endian order at `at`."""
    return data[at + 1] << 8 | data[at]


def four_little(data: bytes, at: int) -> int:
    """The 32-bit integer in little-endian order at `at`."""
    return data[at + 3] << 24 | data[at + 2] << 16 | data[at + 1] << 8 | data[at]
