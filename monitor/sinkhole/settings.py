"""What the sinkhole is told, packed and checked by whoever reads the configuration."""

from dataclasses import dataclass
from typing import Final

ASKED: Final = "asked"
SYSTEM: Final = "system"
DNS_PORT: Final = 53
# How a banned name is answered, where not with an address; `forms.py` makes them.
ANSWERS: Final = ("nxdomain", "nodata", "null", "refused")
UPSTREAMS: Final = (ASKED, SYSTEM)


@dataclass(frozen=True)
class Listen:
    """An address and port to listen at, over UDP and TCP; a wildcard address means every address of a namespace."""

    address: str
    port: int = DNS_PORT


# Where every address is local: whatever resolver a client asked, it is answered from there.
ANYWHERE: Final = (Listen("0.0.0.0"), Listen("::"))


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
    """`[sinkhole]` of the configuration, and what tests set beside it.

    `answer` and `ttl` are the form of answers to banned names: a word of `ANSWERS` or an address. `page` and `contact`
    are for the page at that address. `upstream` is "asked", "system" or packed addresses; queries of the packed
    addresses in `exempt` are never diverted.
    """

    answer: str = "nxdomain"
    page: bool = True
    contact: str = ""
    ttl: int = 10
    upstream: str | tuple[bytes, ...] = ASKED
    exempt: tuple[bytes, ...] = ()
    upstream_port: int = DNS_PORT
    limits: SinkholeLimits = SinkholeLimits()
