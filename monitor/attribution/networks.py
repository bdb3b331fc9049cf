"""Network prefixes: parses them, and checks whether they contain an address."""

import ipaddress
from collections.abc import Sequence
from typing import Final, final

# RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 section 2.5.6.
DEFAULT_LOCAL: Final[tuple[str, ...]] = (
    "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10",
)  # fmt: skip
# Prefixes that never leave the link or the host, independent of the configuration of local networks.
ALWAYS_LOCAL: Final[tuple[str, ...]] = ("127.0.0.0/8", "169.254.0.0/16", "fe80::/10", "::1/128")

BROADCAST: Final = b"\xff\xff\xff\xff"
UNSPECIFIED_V4: Final = bytes(4)
UNSPECIFIED_V6: Final = bytes(16)


@final
class NetworkPrefix:
    """A prefix of addresses of `size` bytes: an address without its lowest `shift` bits, the host bits, is `value`."""

    __slots__ = ("shift", "size", "value")

    def __init__(self, address: bytes, bits: int) -> None:
        self.size = len(address)
        self.shift = len(address) * 8 - bits
        self.value = int.from_bytes(address, "big") >> self.shift

    @property
    def bits(self) -> int:
        return self.size * 8 - self.shift

    def contains(self, address: bytes) -> bool:
        return len(address) == self.size and int.from_bytes(address, "big") >> self.shift == self.value


def parse_prefix(text: str) -> NetworkPrefix | None:
    """Returns the prefix, or a lone address as a prefix of full length; None if the text is neither."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return NetworkPrefix(network.network_address.packed, network.prefixlen)


@final
class Networks:
    """A few prefixes, searched one by one: this is fast enough, because callers cache the result of each address."""

    __slots__ = ("prefixes",)

    def __init__(self, texts: Sequence[str]) -> None:
        self.prefixes: list[NetworkPrefix] = []
        for text in texts:
            prefix = parse_prefix(text)
            if prefix is not None:
                self.prefixes.append(prefix)

    def contains(self, address: bytes) -> bool:
        return any(prefix.contains(address) for prefix in self.prefixes)

    def embedded_v4(self, address: bytes) -> bytes:
        """Returns the IPv4 address inside an address of these NAT64 prefixes, `b""` for others (RFC 6052
        section 2.2).
        """
        for prefix in self.prefixes:
            if prefix.contains(address) and prefix.size == 16:
                start = prefix.bits // 8
                if start == 12:
                    return address[12:16]
                # Bits 64 to 71 are zero and no part of the address.
                return (address[start:8] + address[9:])[:4]
        return b""


def is_group_address(address: bytes) -> bool:
    """Whether the address is multicast or broadcast."""
    if len(address) == 4:
        return address[0] >> 4 == 14 or address == BROADCAST
    return address[0] == 255


def is_unspecified(address: bytes) -> bool:
    return address in (UNSPECIFIED_V4, UNSPECIFIED_V6)


def address_text(address: bytes) -> str:
    """Returns the address as text (RFC 5952)."""
    return str(ipaddress.ip_address(address))
