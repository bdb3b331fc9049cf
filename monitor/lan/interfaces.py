"""Chooses the watched interfaces, with the reason: the configured ones, or the LAN side as far as addresses show it."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from monitor.attribution.conntrack_filter import LanConnections
from monitor.attribution.devices import NO_MAC
from monitor.attribution.networks import Networks
from monitor.config.sections import Config
from monitor.errors import MachineError, UsageError
from monitor.kernel.netlink.interfaces import VLAN, Address, Interface, Machine
from monitor.lan.interface_roles import reason_to_leave_out, remembered_ways_out

# RFC 1918, RFC 6598, RFC 4193: prefixes used in LANs and not on the internet.
PRIVATE: Final = Networks(("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
LAN_SIDE: Final = "this host forwards, and behind them are private prefixes and no default route"
LINK_LOCAL: Final = Networks(("169.254.0.0/16", "fe80::/10"))


@dataclass(frozen=True)
class InterfaceChoice:
    """The names, one line with the reason, and a line for each interface that was left out unexpectedly."""

    names: tuple[str, ...]
    why: str
    left_out: tuple[str, ...] = ()


def choose_for(machine: Machine, named: Sequence[str], config: Config) -> InterfaceChoice:
    """Returns what `run` watches with this configuration on this machine; all verbs use this function."""
    capture = config.capture
    return choose_interfaces(machine, named, capture.interfaces, capture.exclude, remembered_ways_out(config))


def choose_interfaces(
    machine: Machine,
    named: Sequence[str],
    configured: Sequence[str],
    excluded: Sequence[str] = (),
    ways_out: Set[str] = frozenset(),
) -> InterfaceChoice:
    """Returns the interfaces of the command line, else those of the configuration, else the default.

    `excluded` and `ways_out` (interfaces that have had a default route) apply only to the default.

    Raises UsageError if two interfaces would show the same traffic twice, MachineError if one does not exist or there
    is nothing to choose.
    """
    if named:
        choice = InterfaceChoice(tuple(dict.fromkeys(named)), "named on the command line")
    elif configured:
        choice = InterfaceChoice(tuple(dict.fromkeys(configured)), "configured")
    else:
        choice = default_interfaces(machine, excluded, ways_out)
    for name in choice.names:
        if machine.interface(name) is None:
            existing = ", ".join(interface.name for interface in machine.interfaces)
            raise MachineError(f"interface {name} does not exist; there are {existing}")
    refuse_doubles([interface for interface in machine.interfaces if interface.name in choice.names])
    return choice


def default_interfaces(
    machine: Machine, excluded: Sequence[str] = (), ways_out: Set[str] = frozenset()
) -> InterfaceChoice:
    """Returns the LAN side, on a forwarding host that has one; otherwise the interfaces with a default route, which
    carry this host's own traffic.
    """
    if machine.forwarding:
        lan = lan_side(machine, excluded, ways_out)
        if lan:
            return InterfaceChoice(lan, LAN_SIDE, left_out_lines(machine, excluded, ways_out))
    names = tuple(interface.name for interface in machine.interfaces if interface.name in machine.default_routes)
    if names:
        reason = "no other interface has a private prefix" if machine.forwarding else "this host does not forward"
        return InterfaceChoice(names, f"the default route leaves there, and {reason}")
    raise MachineError(
        "no interface to watch: there is neither a default route nor a LAN that is forwarded; name one with -i"
    )


def left_out_lines(machine: Machine, excluded: Sequence[str], ways_out: Set[str]) -> tuple[str, ...]:
    """Returns a line with the reason for each interface that has a private prefix but is not on the LAN side."""
    reasons = {
        one.name: reason_to_leave_out(one, excluded, ways_out) for one in machine.interfaces if _is_lan(one, machine)
    }
    return tuple(
        f'not watching {name}: {reason}; interfaces = ["{name}", …] in [capture] watches it'
        for name, reason in reasons.items()
        if reason
    )


def lan_side(machine: Machine, excluded: Sequence[str] = (), ways_out: Set[str] = frozenset()) -> tuple[str, ...]:
    """Returns the LAN-side interfaces, without those that `refuse_doubles` would refuse beside their parent."""
    lan = [
        interface
        for interface in machine.interfaces
        if _is_lan(interface, machine) and not reason_to_leave_out(interface, excluded, ways_out)
    ]
    indexes = {interface.index for interface in lan}
    return tuple(one.name for one in lan if one.kind == VLAN or one.parent not in indexes)


def vlan_parents(machine: Machine, names: Collection[str]) -> frozenset[str]:
    """Returns those of the interfaces that are parents of VLANs among them."""
    parents = {one.parent for one in machine.interfaces if one.name in names and one.kind == VLAN}
    return frozenset(one.name for one in machine.interfaces if one.name in names and one.index in parents)


def follow_lan(
    machine: Machine, watched: Sequence[str], ways_out: Set[str], excluded: Sequence[str] = ()
) -> tuple[str, ...]:
    """Returns the interfaces to watch now, if none is named explicitly: the current LAN side.

    At the start, a part of the LAN side may have been missing, or the WAN may have had no route yet. `ways_out`
    (interfaces that have had a default route) are excluded even if they have none now. Interfaces that are only down
    stay. If no LAN side is found, nothing changes.
    """
    lan = lan_side(machine, excluded, ways_out)
    if not machine.forwarding or not lan:
        return tuple(watched)
    named = [machine.interface(name) for name in watched]
    asleep = [one.name for one in named if one and not (one.up or one.master) and one.name not in ways_out]
    kept = [name for name in watched if name in lan or name in asleep]
    return tuple(dict.fromkeys([*kept, *lan]))


def _is_lan(interface: Interface, machine: Machine) -> bool:
    if not interface.up or interface.loopback or interface.master or interface.name in machine.default_routes:
        return False
    return any(PRIVATE.contains(address.packed) for address in interface.addresses)


def refuse_doubles(chosen: Sequence[Interface]) -> None:
    """Raises UsageError for a bridge and its port (both see the same packets), or a parent and its macvlan (the
    parent's traffic includes the macvlan's).

    A VLAN and its parent may both be watched: `vlan_parents` are then captured without tagged packets.
    """
    by_index = {interface.index: interface for interface in chosen}
    for interface in chosen:
        upper = by_index.get(interface.master)
        if upper is not None:
            raise UsageError(f"{interface.name} is a port of {upper.name}: watch one of them, or all counts twice")
        parent = by_index.get(interface.parent)
        if parent is not None and interface.kind != VLAN:
            raise UsageError(f"{interface.name} is a part of {parent.name}: watch one of them, or all counts twice")


def connected_prefixes(machine: Machine, names: Sequence[str]) -> Mapping[str, tuple[str, ...]] | None:
    """Returns the on-link prefixes by interface, including its parts. Returns None if one has no address, such as a
    tap: its on-link prefixes are unknown.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        parts = {name, *machine.with_parts((name,))} - (set(names) - {name})
        addresses = [
            address for interface in machine.interfaces if interface.name in parts for address in interface.addresses
        ]
        if not any(not LINK_LOCAL.contains(address.packed) for address in addresses):
            return None
        found[name] = tuple(dict.fromkeys(_network(address) for address in addresses))
    return found


def vantage(machine: Machine, names: Sequence[str], local: Sequence[str]) -> LanConnections:
    """Returns the filter for the conntrack connections that the captured interfaces see."""
    seen = machine.with_parts(names)
    watched = [interface for interface in machine.interfaces if interface.name in seen]
    others = [interface for interface in machine.interfaces if interface.name not in seen]
    return LanConnections(
        [_network(address) for interface in watched for address in interface.addresses],
        [_network(address) for interface in others for address in interface.addresses],
        [address.packed for interface in watched for address in interface.addresses],
        [address.packed for interface in others for address in interface.addresses],
        local,
    )


def _network(address: Address) -> str:
    return str(ip_interface((address.packed, address.length)).network)


def own_keys(machine: Machine) -> frozenset[bytes]:
    """Returns the gateway's own MACs and addresses, packed."""
    keys = [key for one in machine.interfaces for key in (one.mac, *[address.packed for address in one.addresses])]
    return frozenset([key for key in keys if key and key != NO_MAC])
