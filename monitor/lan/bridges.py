"""Bridges that forward frames without routing: the forward hook does not see these frames without br_netfilter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from monitor.kernel.netlink.interfaces import Interface, Machine
from monitor.lan.interfaces import LINK_LOCAL

CALLS: Final = (
    Path("/proc/sys/net/bridge/bridge-nf-call-iptables"),
    Path("/proc/sys/net/bridge/bridge-nf-call-ip6tables"),
)


def pure_bridges(machine: Machine, names: Sequence[str]) -> list[str]:
    """Returns those of the names that are bridges, or bridge ports, on which this host does not route.

    The host routes on a bridge if the bridge or a part of it has an address, and the bridge is not itself the way to
    the internet.
    """
    by_index = {interface.index: interface for interface in machine.interfaces}
    found = []
    for name in names:
        interface = machine.interface(name)
        if interface is None:
            continue
        bridge = by_index.get(interface.master, interface)
        whole = [machine.interface(part) for part in machine.with_parts((bridge.name,))]
        routes = any(has_address(one) for one in whole if one is not None)
        if bridge.kind == "bridge" and (not routes or is_way_out(machine, bridge)):
            found.append(name)
    return found


def has_address(interface: Interface) -> bool:
    return any(not LINK_LOCAL.contains(address.packed) for address in interface.addresses)


def is_way_out(machine: Machine, bridge: Interface) -> bool:
    """Whether all default routes leave through the bridge, and the bridge has more than one port."""
    ports = [interface for interface in machine.interfaces if interface.master == bridge.index]
    return machine.default_routes == {bridge.name} and len(ports) > 1


def sees_bridged() -> bool:
    """Whether br_netfilter passes bridged packets to the hooks of IPv4 and IPv6."""
    try:
        return all(path.read_text().strip() == "1" for path in CALLS)
    except OSError:
        return False
