"""Formats numbers for people."""

from typing import Final

_BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def bytes_text(count: float) -> str:
    """Returns `0 B`, `1.5 KiB`, `12 MiB`: at most three digits."""
    value = float(count)
    unit = 0
    while value >= 999.5 and unit < len(_BINARY) - 1:
        value /= 1024
        unit += 1
    digits = 1 if unit and value < 9.95 else 0
    return f"{value:.{digits}f} {_BINARY[unit]}"


def span_text(seconds: float) -> str:
    """Returns `0 s`, `5 min`, `3 h`, `12 d`: whole units of the largest unit that fits."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def count_text(count: int, one: str, many: str = "") -> str:
    """Returns `1 device`, `1,200 devices`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
