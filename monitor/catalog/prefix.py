"""Prefixes as lists write them, and which of them no list may claim.

Special-purpose addresses (RFC 6890 and the IANA registries that it founded) belong to nobody outside, and a prefix so
wide that it holds a good part of the Internet is a mistake; both would attribute, and later ban, what is not meant.
"""

import ipaddress
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

WIDEST_V4: Final = 8
WIDEST_V6: Final = 16

GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
SPECIAL: Final[tuple[Network, ...]] = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    ipaddress.IPv4Network("10.0.0.0/8"),
    ipaddress.IPv4Network("100.64.0.0/10"),
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv4Network("172.16.0.0/12"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.168.0.0/16"),
    ipaddress.IPv4Network("198.18.0.0/15"),
    ipaddress.IPv4Network("224.0.0.0/3"),
    ipaddress.IPv6Network("2001::/32"),
    ipaddress.IPv6Network("2002::/16"),
)


def parse_prefix(text: str) -> tuple[bytes, int, str]:
    """The packed address, the prefix length and what is wrong with it (`""`: nothing; else the first two mean nothing).

    A lone address is its own prefix. Bits behind the prefix length are cleared.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return b"", 0, "neither an address nor a prefix"
    fault = prefix_fault(network)
    if fault:
        return b"", 0, fault
    return network.network_address.packed, network.prefixlen, ""


def prefix_fault(network: Network) -> str:
    """Why no list may hold this prefix, `""` where it may."""
    if network.prefixlen < (WIDEST_V4 if network.version == 4 else WIDEST_V6):
        return "too wide a prefix"
    if network.version == 6 and not GLOBAL_V6.supernet_of(network):
        return "a special-purpose address"
    for special in SPECIAL:
        if network.version == special.version and network.overlaps(special):
            return "a special-purpose address"
    return ""


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def parse_range(first: str, last: str) -> tuple[list[tuple[bytes, int]], str]:
    """The prefixes of the inclusive range from `first` to `last`, and what is wrong with it."""
    start, end = parse_address(first), parse_address(last)
    networks: list[Network] = []
    if isinstance(start, ipaddress.IPv4Address) and isinstance(end, ipaddress.IPv4Address) and start <= end:
        networks += ipaddress.summarize_address_range(start, end)
    if isinstance(start, ipaddress.IPv6Address) and isinstance(end, ipaddress.IPv6Address) and start <= end:
        networks += ipaddress.summarize_address_range(start, end)
    if not networks:
        return [], "not a range of addresses"
    for network in networks:
        fault = prefix_fault(network)
        if fault:
            return [], fault
    return [(network.network_address.packed, network.prefixlen) for network in networks], ""


def prefix_text(address: bytes, bits: int) -> str:
    if len(address) == 4:
        return f"{ipaddress.IPv4Address(address)}/{bits}"
    return f"{ipaddress.IPv6Address(address)}/{bits}"
