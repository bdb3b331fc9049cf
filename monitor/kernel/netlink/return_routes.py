"""How answers get back to the clients of an interface: straight to those on-link, else to the router that leads there.

They are the ways that everything else takes that the gateway sends there. Whom no way leads to gets no answer from
anybody, and is left alone.
"""

import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final, TypeAlias

from monitor.attribution.networks import address_text
from monitor.kernel.netlink.routes import routes_out

Network: TypeAlias = IPv4Network | IPv6Network

# Of so many routes each would be a rule; on an interface with more of them only clients on-link are served.
ROUTES_MAX: Final = 1_024
LINK_LOCAL: Final = IPv6Network("fe80::/10")


@dataclass(frozen=True)
class ReturnRoute:
    """Clients of the prefix are reached through the router at that address, where it is `""` by themselves."""

    prefix: Network
    router: str = ""


def ways_out(interface: str) -> tuple[tuple[ReturnRoute, ...], str]:
    """Those of an interface, and a complaint where they are not all. Raises OSError where the interface is gone or the
    kernel does not tell.
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
    """The prefixes of that version of IP as nft writes a set, `""` for none."""
    return as_set([way.prefix for way in ways if way.prefix.version == version])


def answers(ways: Iterable[ReturnRoute], version: int) -> Iterator[tuple[str, str]]:
    """A set of prefixes and their router, one after the other, longer prefixes before those that hold them."""
    groups: dict[tuple[int, str], list[Network]] = {}
    known: set[Network] = set()
    for way in ways:
        if way.prefix.version == version and way.prefix not in known:
            known.add(way.prefix)
            groups.setdefault((-way.prefix.prefixlen, way.router), []).append(way.prefix)
    for (_, router), prefixes in sorted(groups.items()):
        yield as_set(prefixes), router


def as_set(prefixes: Sequence[Network]) -> str:
    """Collapsed, because in a set of nft no prefix may lie inside another."""
    v4 = collapse_addresses([prefix for prefix in prefixes if isinstance(prefix, IPv4Network)])
    v6 = collapse_addresses([prefix for prefix in prefixes if isinstance(prefix, IPv6Network)])
    words = [str(prefix) for prefix in (*v4, *v6)]
    return f"{{ {', '.join(words)} }}" if words else ""
