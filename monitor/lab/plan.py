"""The plan of a lab, and the addresses derived from it."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal

ResolverPlace = Literal["internet", "gateway", "lan"]

WAN_GATEWAY_V4: Final = "198.51.100.1"
WAN_INTERNET_V4: Final = "198.51.100.2"
WAN_GATEWAY_V6: Final = "2001:db8:ffff::1"
WAN_INTERNET_V6: Final = "2001:db8:ffff::2"
RESOLVER_V4: Final = "203.0.113.53"
RESOLVER_V6: Final = "2001:db8:53::53"

FIRST_CLIENT: Final = 10
RESOLVER_CLIENT: Final = "dns"


@dataclass(frozen=True)
class Lan:
    """One bridge of the gateway: its prefixes (IPv4 and IPv6, as text) and the clients behind it.

    Each client has an address in every prefix; the gateway has the first address of each.
    """

    interface: str = "br-lan"
    prefixes: tuple[str, ...] = ("192.168.77.0/24", "fd77:6761:7465:1::/64")
    clients: tuple[str, ...] = ("phone", "laptop")

    def networks(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(prefix) for prefix in self.prefixes]

    def gateway_addresses(self) -> list[str]:
        return [str(network[1]) for network in self.networks()]


@dataclass(frozen=True)
class Plan:
    """The whole lab.

    `resolver` is the place of the clients' resolver: in the internet, on the gateway, or on an additional client named
    `dns` in the first LAN. The latter two forward to the internet's resolver. `masquerade` hides the IPv4 clients
    behind the gateway's WAN address. `timeouts` are conntrack's, in seconds, shorter than the kernel's, so that flows
    end during a demonstration. `zone` is added to the resolver's zone, in master file form (RFC 1035 section 5).
    `server_delay_s` delays the first answer of TLS servers, and every datagram that QUIC servers receive.
    """

    lans: tuple[Lan, ...] = (Lan(),)
    resolver: ResolverPlace = "internet"
    masquerade: bool = False
    zone: str = ""
    server_delay_s: float = 0.0
    timeouts: dict[str, int] = field(
        default_factory=lambda: {"tcp_timeout_time_wait": 2, "udp_timeout": 5, "udp_timeout_stream": 5}
    )

    def members(self) -> list[tuple[Lan, str, int]]:
        """Returns every client: its LAN, its name, and its number, which ends its addresses and its MAC."""
        lists = [list(lan.clients) for lan in self.lans]
        if self.resolver == "lan":
            lists[0].append(RESOLVER_CLIENT)
        found: list[tuple[Lan, str, int]] = []
        for lan, names in zip(self.lans, lists, strict=True):
            for name in names:
                found.append((lan, name, FIRST_CLIENT + len(found)))
        return found

    def resolver_addresses(self) -> list[str]:
        """Returns the resolvers for the clients' resolv.conf."""
        if self.resolver == "internet":
            return [RESOLVER_V4, RESOLVER_V6]
        if self.resolver == "gateway":
            return self.lans[0].gateway_addresses()
        number = next(number for _, name, number in self.members() if name == RESOLVER_CLIENT)
        return [str(network[number]) for network in self.lans[0].networks()]


def client_mac(number: int) -> str:
    """Returns a locally administered unicast MAC (IEEE 802 section 8.4)."""
    return f"02:67:77:00:00:{number:02x}"


def bridge_mac(lan: Lan) -> str:
    """Returns the gateway's MAC on a LAN; as on real gateways, it differs from LAN to LAN."""
    return f"02:67:77:ff:00:{sum(lan.interface.encode()) & 0xFF:02x}"


def privacy_address(network: IPv6Network, number: int) -> str:
    """Returns a second IPv6 address whose interface identifier reveals nothing (RFC 8981)."""
    return str(network[0x7A31_C0DE_51DE_0000 + number])
