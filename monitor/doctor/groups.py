"""Finds groups whose members cannot be identified from the gateway's position in the network."""

from collections.abc import Iterator
from typing import Final

from monitor.attribution.networks import address_text, parse_prefix
from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.kernel.netlink.routes import routes_via
from monitor.policy.groups import parse_mac

TOPIC: Final = "groups"


def find(case: Case) -> Iterator[Finding]:
    """Finds groups with members behind another router of the LAN: all their frames carry the router's MAC address, and
    their own MAC addresses are not visible.
    """
    names = {interface.index: interface.name for interface in case.machine.interfaces}
    groups = [group for group in case.config.groups if any(parse_mac(member) for member in group.members)]
    for route in routes_via() if groups else ():
        name = names.get(route.interface, "")
        if name not in case.names:
            continue
        for group in groups:
            if is_member(route.prefix, group.members):
                continue
            yield Finding(
                TOPIC,
                f"{route.prefix} is behind the router {address_text(route.gateway)} on {name}: the MAC addresses of "
                f"group {group.name} match no device behind it",
                f'members = [..., "{route.prefix}"] in [[group]] name = "{group.name}"   # or single addresses of it',
            )


def is_member(prefix: str, members: tuple[str, ...]) -> bool:
    """Whether a prefix among the members contains all of this prefix."""
    wanted = parse_prefix(prefix)
    known = [found for found in map(parse_prefix, members) if found is not None]
    if wanted is None:
        return False
    first = (wanted.value << wanted.shift).to_bytes(wanted.size, "big")
    return any(one.size == wanted.size and one.bits <= wanted.bits and one.contains(first) for one in known)
