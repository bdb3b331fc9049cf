"""Finds NAT64 prefixes: IPv4 addresses appear as IPv6 addresses, and bans must include the prefix (RFC 7050)."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.enforcement.resolver import ask_any, system_resolvers
from monitor.wire.dns.addresses import TYPE_AAAA, record_address

TOPIC: Final = "NAT64"
NAME: Final = b"ipv4only.arpa"
WELL_KNOWN: Final = (bytes((192, 0, 0, 170)), bytes((192, 0, 0, 171)))
# RFC 6052 section 2.2: the prefix length, and the octets of the IPv4 address after the prefix.
LAYOUTS: Final = (
    (96, (12, 13, 14, 15)),
    (64, (9, 10, 11, 12)),
    (56, (7, 9, 10, 11)),
    (48, (6, 7, 9, 10)),
    (40, (5, 6, 7, 9)),
    (32, (4, 5, 6, 7)),
)


def find(case: Case) -> Iterator[Finding]:
    known = [str(prefix) for prefix in case.config.capture.nat64]
    for prefix in sorted(asyncio.run(ask()) - set(known)):
        what = f"this network translates IPv4 into {prefix}: vendors' addresses in it are neither recognised nor banned"
        wanted = ", ".join(f'"{text}"' for text in [*known, prefix])
        yield Finding(TOPIC, what, f"nat64 = [{wanted}] in [capture]")


async def ask() -> set[str]:
    """Returns the prefixes of the AAAA answers that the system's resolver gives for the IPv4-only name."""
    message = await ask_any(system_resolvers(), NAME, TYPE_AAAA)
    if message is None:
        return set()
    found = [prefix_of(record_address(message, record)) for record in message.answers]
    return {prefix for prefix in found if prefix}


def prefix_of(address: bytes) -> str:
    """Returns the NAT64 prefix of an address of the name, `""` if it has none."""
    if len(address) != 16:
        return ""
    for bits, octets in LAYOUTS:
        if bytes([address[at] for at in octets]) in WELL_KNOWN:
            return str(ip_network((address, bits), strict=False))
    return ""
