"""The settings of the sinkhole; the configuration's reader packs and checks them."""

from dataclasses import dataclass
from typing import Final

ASKED: Final = "asked"
SYSTEM: Final = "system"
DNS_PORT: Final = 53
# The answers to a banned name besides an address; `templates.py` makes them.
ANSWERS: Final = ("nxdomain", "nodata", "null", "refused")
UPSTREAMS: Final = (ASKED, SYSTEM)


@dataclass(frozen=True)
class Listen:
    """An address and port to listen on, over UDP and TCP; a wildcard means every address of the namespace."""

    address: str
    port: int = DNS_PORT


# For a namespace where every address is local: answers come from whichever resolver address the client queried.
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
    asked_seconds: float = 4.0  # less than the 5 s that clients wait, so that the error reaches them
    server_seconds: float = 1.2  # then the next server of a list is queried
    stream_seconds: float = 4.0
    servers: int = 3  # queried in turn for one query


@dataclass(frozen=True)
class SinkholeSettings:
    """`[sinkhole]` of the configuration, and settings that only tests change.

    `answer`, a word of `ANSWERS` or an address, and `ttl` in seconds define the answers to banned names. `page` and
    `contact` are for the page at that address. `upstream` is "asked", "system" or packed addresses; queries from the
    packed addresses in `exempt` are never diverted.
    """

    answer: str = "nxdomain"
    page: bool = True
    contact: str = ""
    ttl: int = 10
    upstream: str | tuple[bytes, ...] = ASKED
    exempt: tuple[bytes, ...] = ()
    upstream_port: int = DNS_PORT
    limits: SinkholeLimits = SinkholeLimits()
