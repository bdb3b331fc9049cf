"""What the sinkhole is told at its start, packed and checked by whoever reads the configuration."""

from dataclasses import dataclass
from typing import Final

ASKED: Final = "asked"
SYSTEM: Final = "system"

# The mark of everything that the sinkhole sends, so that it is neither tracked nor diverted again.
MARK: Final = 0x6777_0001
PORT: Final = 10_054


@dataclass(frozen=True)
class Listen:
    """An address and port to listen at, over UDP and TCP. Transparent ones receive what was sent to others."""

    address: str
    port: int = PORT


@dataclass(frozen=True)
class SinkholeLimits:
    """The maximum of each table, in entries and seconds."""

    in_flight: int = 4_096
    in_flight_per_client: int = 1_024
    connections: int = 256
    connections_per_client: int = 32
    queries_per_connection: int = 64
    idle_seconds: float = 10.0
    asked_seconds: float = 4.0  # less than the 5 s that clients wait, so that they hear of it
    server_seconds: float = 1.2  # before the next one of a list is asked
    stream_seconds: float = 4.0
    servers: int = 3  # asked for one query


@dataclass(frozen=True)
class SinkholeSettings:
    """`answer` and `ttl` are the form of answers to banned names, `upstream` "asked", "system" or packed addresses.

    With `transparent` the sockets take diverted packets, and answers leave from the address that was asked (needs
    CAP_NET_ADMIN and CAP_NET_RAW); `mark` 0 sets none.
    """

    listen: tuple[Listen, ...] = (Listen("127.0.0.1"), Listen("::1"))
    transparent: bool = True
    mark: int = MARK
    answer: str = "nxdomain"
    ttl: int = 10
    upstream: str | tuple[bytes, ...] = ASKED
    upstream_port: int = 53
    limits: SinkholeLimits = SinkholeLimits()
