"""The maximum of every table that traffic from outside can grow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The maximum of each table. A new entry in a full table evicts an old one (except for `series`), counted in
    `table_evictions_total{table}`. With the defaults, a few thousand devices fit into 90 MB.
    """

    # Concurrent flows: 40 for each of 5,000 devices.
    flows: int = 200_000
    # Names from DNS answers, counted per device and address: 50 for each of 2,000 devices.
    names: int = 100_000
    # Names that one device has for one address: a device uses few names at an address, even at one of a CDN.
    names_per_address: int = 16
    # Names whose CNAME chain leads to a vendor's name: one entry serves all devices, so fewer than `names`.
    aliases: int = 32_768
    # Outer names in HTTPS answers (Encrypted ClientHello): a CDN uses one or a few for all of its customers.
    ech_names: int = 4_096
    # Pairs of device and server with an identified QUIC connection, whose port may change: 8 for each of 2,000 devices.
    migrations: int = 16_384
    # Devices: well above a few thousand, so that a flood of random MAC addresses does not evict real devices at once.
    devices: int = 20_000
    # Addresses of one device: IPv4, and several temporary IPv6 addresses (RFC 8981) in each of several prefixes.
    addresses_per_device: int = 32
    # Label combinations of one metric family: bounds the size of a scrape. Further ones are added to `other`.
    series: int = 10_000
    # Rows of traffic, one per device, vendor, service and evidence: 10 for each of 5,000 devices.
    rows: int = 50_000
    # Rows waiting for the journal, which takes them once a minute: 500 new ones a second.
    notes: int = 32_768
    # Remote addresses, and as many names, whose vendor is cached: an evicted entry costs only another look-up.
    addresses: int = 65_536
    # Pairs of a ban's label and a device blocked in the last hour: 30 such pairs for each of 2,000 devices.
    trying: int = 65_536
    # TCP streams whose first bytes are being reassembled: usually for milliseconds, but a flood holds them open.
    streams: int = 4_096
    # Bytes reassembled of one stream: more than a full TLS record of 2^14 bytes (RFC 8446 section 5.1).
    stream_bytes: int = 18_432
    # Bytes reassembled of all streams, and as many of all QUIC connections: 4 KiB each, more than a usual ClientHello.
    streams_bytes: int = 16_777_216
    # Seconds of silence until an incomplete stream or QUIC connection is dropped: leaves time for retransmissions.
    stream_seconds: float = 120.0
    # Incomplete IP datagrams: fragments of one usually arrive together, so that only lost ones and floods add up.
    fragments: int = 1_024
    # Bytes of all fragments: Linux's default (ipfrag_high_thresh), and 4 KiB per datagram.
    fragments_bytes: int = 4_194_304
    # Seconds until an incomplete IPv4 datagram is dropped: Linux's default (ipfrag_time). For IPv6 it is doubled
    # (RFC 8200 section 4.5: 60 seconds).
    fragment_seconds: float = 30.0
    # QUIC connections with an incomplete ClientHello: usually for milliseconds, but a flood of Initials adds up.
    quic_connections: int = 4_096
    # DNS queries without an answer. Each waits at most 10 s: 1,600 new ones a second.
    queries: int = 16_384
    # Killed flows that stay killed: the kernel's sets have room for both directions of this many.
    kills: int = 65_536
    # Addresses whose names in ClientHellos are kept while a ban is in force: finds names that share an address.
    hellos: int = 16_384
    # Addresses learned for bans, and those that the guard leaves open: a sixteenth of the room in the kernel's sets.
    learned: int = 16_384
