"""Formats seconds since the epoch as EVE timestamps: `2026-11-22T15:20:04.123456+0000`."""

from functools import lru_cache
from time import gmtime, strftime
from typing import Final

# The last second of the year 9999 (RFC 3339 section 5.6 has four digits); capture files can hold later ones.
LAST: Final = 253_402_300_799.0


def timestamp(seconds: float) -> str:
    """Returns UTC with microseconds. A time outside of the years that four digits can hold becomes the nearest one
    inside.
    """
    second, fraction = divmod(round(min(max(seconds, 0.0), LAST) * 1e6), 1_000_000)
    return f"{_whole(second)}.{fraction:06d}+0000"


@lru_cache(maxsize=256)
def _whole(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
