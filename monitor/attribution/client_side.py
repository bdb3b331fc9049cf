"""Determines which end of a flow is the client.

The sender of a SYN or of a ClientHello is certainly the client. If the start of the flow was not captured, the client
is, in this order: the end without the DNS port; the end with the higher port, if one port is well known (below 1024) or
only one is ephemeral (32768 and up, RFC 6056 section 2.1 and Linux's default); the sender of the first packet seen.
"""

from typing import Final

from monitor.model import (
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_ACK,
    TCP_SYN,
    key_destination_port,
    key_protocol,
    key_source_port,
)

DNS_PORT: Final = 53
MDNS_PORT: Final = 5353
DOT_PORT: Final = 853
WELL_KNOWN: Final = 1024
EPHEMERAL: Final = 32_768


def serves(key: bytes, source: bool) -> bool:
    """Whether the source, or else the destination, has the one well-known port of the two."""
    here, there = key_source_port(key), key_destination_port(key)
    if not source:
        here, there = there, here
    return here < WELL_KNOWN <= there


def source_is_client(key: bytes, flags: int) -> bool:
    """Whether the sender of this packet, the first captured one of its flow, is the client."""
    protocol = key_protocol(key)
    if protocol == PROTOCOL_TCP and flags & TCP_SYN:
        return flags & TCP_ACK == 0
    if protocol != PROTOCOL_TCP and protocol != PROTOCOL_UDP:
        return True
    source = key_source_port(key)
    destination = key_destination_port(key)
    if destination == DNS_PORT:
        return True
    if source == DNS_PORT:
        return False
    if (source < WELL_KNOWN) != (destination < WELL_KNOWN):
        return destination < WELL_KNOWN
    if (source < EPHEMERAL) != (destination < EPHEMERAL):
        return destination < EPHEMERAL
    return True
