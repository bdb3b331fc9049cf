"""The content of the lab's servers: `/bytes/N` is N bytes, everything else a greeting."""

from typing import Final
from urllib.parse import parse_qs

MOST_BYTES: Final = 1 << 30
PIECE: Final = bytes(range(256)) * 256
# Interval between two writes of a rate-limited answer.
TICK_SECONDS: Final = 0.05
GREETING: Final = b"Hello from the lab's internet.\n"


def content_length(path: str) -> int:
    """Returns the number of bytes that `path` requests, 0 for the greeting."""
    parts = path.strip("/").split("/")
    if len(parts) == 2 and parts[0] == "bytes" and parts[1].isascii() and parts[1].isdigit():
        return min(int(parts[1]), MOST_BYTES)
    return 0


def piece(path: str, offset: int) -> bytes:
    """Returns the bytes of `path` from `offset`, as many as fit into one write; empty at the end."""
    length = content_length(path)
    if length == 0:
        return GREETING[offset:]
    return PIECE[: min(len(PIECE), length - offset)]


def asked_rate(query: str) -> int:
    """Returns the rate in bytes per second that a URL's query requests, 0 for no limit."""
    return int(parse_qs(query).get("rate", ["0"])[0])
