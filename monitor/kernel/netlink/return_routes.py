"""Return routes to the clients of an interface: on-link, or through the router that leads to them.

Uses the gateway's own routes. Clients without a return route could not receive a response and are not diverted.
"""

import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final, TypeAlias

from monitor.attribution.networks import address_text
from monitor.kernel.netlink.routes import routes_out

Network: TypeAlias = IPv4Network | IPv6Network

# Each route becomes a rule. On an interface with more routes only on-link clients are served.
ROUTES_MAX: Final = 1_024
LINK_LOCAL: Final = IPv6Network("fe80::/10")


@dataclass(frozen=True)
class ReturnRoute:
    """Clients in `prefix` are reached through the router with that address, or on-link if it is `""`."""

    prefix: Network
    router: str = ""


def ways_out(interface: str) -> tuple[tuple[ReturnRoute, ...], str]:
    """Returns the routes out of an interface, and an error line if some are left out. Raises OSError if the interface
    is gone or the kernel does not answer.
    """
    routes = routes_out(socket.if_nametoindex(interface))
    complaint = ""
    if len(routes) > ROUTES_MAX:
        complaint = f"more than {ROUTES_MAX} routes leave through {interface}: behind its routers the dns layer is off"
        routes = [route for route in routes if not route.gateway][:ROUTES_MAX]
    found = [ReturnRoute(LINK_LOCAL)]
    found += [ReturnRoute(ip_network(one.prefix), address_text(one.gateway) if one.gateway else "") for one in routes]
    return tuple(found), complaint


def sources(ways: Iterable[ReturnRoute], version: int) -> str:
    """Returns the prefixes of one IP version as an nft set literal, `""` if there are none."""
    return as_set([way.prefix for way in ways if way.prefix.version == version])


def answers(ways: Iterable[ReturnRoute], version: int) -> Iterator[tuple[str, str]]:
    """Yields an nft set of prefixes and their router for each group, more specific prefixes first."""
    groups: dict[tuple[int, str], list[Network]] = {}
    known: set[Network] = set()
    for way in ways:
        if way.prefix.version == version and way.prefix not in known:
            known.add(way.prefix)
            groups.setdefault((-way.prefix.prefixlen, way.router), []).append(way.prefix)
    for (_, router), prefixes in sorted(groups.items()):
        yield as_set(prefixes), router


def as_set(prefixes: Sequence[Network]) -> str:
    """Returns the prefixes as an nft set literal, collapsed because prefixes in an nft set must not overlap."""
    v4 = collapse_addresses([prefix for prefix in prefixes if isinstance(prefix, IPv4Network)])
    v6 = collapse_addresses([prefix for prefix in prefixes if isinstance(prefix, IPv6Network)])
    words = [str(prefix) for prefix in (*v4, *v6)]
    return f"{{ {', '.join(words)} }}" if words else ""
