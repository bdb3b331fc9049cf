"""The maximum of every table that an outsider can grow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The maximum of each table; what is evicted is counted in `table_evictions_total{table}`."""

    flows: int = 200_000
    names: int = 100_000
    names_per_address: int = 16
    aliases: int = 32_768
    ech_names: int = 4_096
    migrations: int = 16_384
    devices: int = 20_000
    addresses_per_device: int = 32
    series: int = 10_000
    rows: int = 50_000
    notes: int = 32_768
    addresses: int = 65_536
    trying: int = 65_536
    streams: int = 4_096
    stream_bytes: int = 18_432
    streams_bytes: int = 16_777_216
    stream_seconds: float = 120.0
    fragments: int = 1_024
    fragments_bytes: int = 4_194_304
    fragment_seconds: float = 30.0
    quic_connections: int = 4_096
    queries: int = 16_384
    kills: int = 65_536
    hellos: int = 16_384
    learned: int = 16_384
