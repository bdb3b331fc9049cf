"""Parses prefixes as lists write them, and refuses those that no list may contain.

Special-purpose addresses (RFC 6890 and the IANA registries that it founded) belong to no vendor, and a prefix that
holds a large part of the Internet is a mistake; both would attribute, and later ban, traffic that is not meant.
"""

import ipaddress
from typing import Final

WIDEST: Final = {4: 8, 16: 16}
GLOBAL_V6: Final = (0x2000 << 112, 0x4000 << 112)


def span(text: str) -> tuple[int, int]:
    """Returns the first address of a prefix and the address after its last, as numbers."""
    network = ipaddress.ip_network(text)
    first = int(network.network_address)
    return first, first + network.num_addresses


SPECIAL_V4: Final = [
    span(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
    )
]  # fmt: skip
SPECIAL_V6: Final = [span(text) for text in ("2001::/32", "2002::/16")]


def parse_address(text: str) -> bytes | None:
    """Returns the packed address, None if the text is not an address."""
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        return None


def may_be_address(text: str) -> bool:
    """Whether `parse_address` may succeed: a cheap check that avoids a failed parse for each name of a long list."""
    return text[-1:].isdigit() or ":" in text


def parse_prefix(text: str) -> tuple[bytes, int, str]:
    """Returns the packed address, the prefix length and the fault (`""`: none; else the first two mean nothing).

    A lone address is a prefix of full length. Bits after the prefix length are cleared.
    """
    head, slash, tail = text.partition("/")
    address = None if "%" in head else parse_address(head)
    if address is None or (slash and not (tail.isascii() and tail.isdigit() and len(tail) < 4)):
        return b"", 0, "neither an address nor a prefix"
    width = len(address) * 8
    bits = int(tail) if slash else width
    if bits > width:
        return b"", 0, "neither an address nor a prefix"
    host_bits = width - bits
    first = int.from_bytes(address, "big") >> host_bits << host_bits
    fault = span_fault(first, first + (1 << host_bits), len(address))
    if not fault and bits < WIDEST[len(address)]:
        fault = "too wide a prefix"
    return first.to_bytes(len(address), "big"), bits, fault


def span_fault(first: int, end: int, width: int) -> str:
    """Returns why no list may contain the addresses from `first` up to, but not including, `end`; `""` if it may."""
    if width == 16 and not (GLOBAL_V6[0] <= first and end <= GLOBAL_V6[1]):
        return "a special-purpose address"
    for special_first, special_end in SPECIAL_V4 if width == 4 else SPECIAL_V6:
        if first < special_end and special_first < end:
            return "a special-purpose address"
    return ""


def parse_range(first: str, last: str) -> tuple[list[tuple[bytes, int]], str]:
    """Returns the prefixes of the inclusive range from `first` to `last`, and the fault."""
    start, stop = parse_address(first), parse_address(last)
    if start is None or stop is None or len(start) != len(stop) or start > stop:
        return [], "not a range of addresses"
    at, end = int.from_bytes(start, "big"), int.from_bytes(stop, "big") + 1
    width = len(start)
    if end - at > 1 << width * 8 - WIDEST[width]:
        return [], "too wide a range"
    prefixes = []
    fault = span_fault(at, end, width)
    while at < end and not fault:
        # The largest block that begins here and does not exceed the end.
        host_bits = min((at & -at).bit_length() - 1, (end - at).bit_length() - 1)
        prefixes.append((at.to_bytes(width, "big"), width * 8 - host_bits))
        at += 1 << host_bits
    return prefixes, fault


def prefix_text(address: bytes, bits: int) -> str:
    if len(address) == 4:
        return f"{ipaddress.IPv4Address(address)}/{bits}"
    return f"{ipaddress.IPv6Address(address)}/{bits}"
