"""Diverts queries to the sinkhole, and returns its responses, past the rules of all other tables.

Measured: a packet that TPROXY assigns to a local socket still passes the input hook, where `policy drop` of another
table ends it. A packet routed into another network namespace passes the forward hook and ends there. Only `fwd` at the
ingress of the LAN interface passes neither. The ingress chain of the inet table (same hook, runs earlier) therefore
marks the queries to divert, with access to all sets of that table. A table of family netdev forwards marked packets
into the veth pair of a `NamespaceLink`, and forwards responses out of the LAN interface to the neighbour: the client,
or the router on the gateway's route to it. Conntrack, NAT, routing and the resolvers of the gateway see none of them.

Tested with UDP and TCP, IPv4 and IPv6, ephemeral and fixed source ports, two prefixes per family, queries to resolvers
behind the gateway and to its own addresses (port 53 in use), masquerading enabled, and other tables with input and
forward policies of drop. The sinkhole answers all 48 combinations, and the resolver answers again as soon as the rule
is removed.

Frames for the gateway get the MAC of the namespace link, so the interface may change its own MAC. Frames for other
hosts, which a bridge or a sniffer also receives, pass unchanged. So do frames with a VLAN tag: the VLAN interface has
its own namespace link. A macvlan interface (as VRRP creates it) also has its own; its responses leave through the link
below it, where the clients are. The second table is needed because `fwd` exists only in family netdev. No policy
rule and no route of the gateway is needed. If the daemon is killed, its veth pairs are removed with it, and queries are
dropped until `alive` expires.
"""

import contextlib
import socket
from collections.abc import Sequence
from typing import Final, TypeAlias, final

from monitor.errors import MachineError
from monitor.kernel.netlink.bridge_ports import is_called, ports_of
from monitor.kernel.netlink.interfaces import MACVLAN, NEAR_END, look_at_machine
from monitor.kernel.netlink.return_routes import ReturnRoute, answers, sources, ways_out
from monitor.kernel.netlink.routes import RouteEvents
from monitor.kernel.netns.namespace_link import NamespaceLink, look_at_link
from monitor.kernel.nft.forwarded_queries import FAMILIES, coming_back, coming_in, going_in, note_client, sets
from monitor.policy.table.desired import TABLE
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import CARRIED_MARK, INGRESS, MARK

MARKING: Final = -10
SENDING: Final = 0
DOOR_CHAIN: Final = f"{INGRESS}_"
# Frames of VLANs on an interface: the VLAN interface diverts them. An untagged response would not reach the client.
OF_A_VLAN: Final = "vlan id 1-4094"
OF_NO_VLAN: Final = "meta protocol { ip, ip6 }"

# The return routes to the clients of an interface, by the device that they use.
Ways: TypeAlias = dict[str, tuple[ReturnRoute, ...]]


@final
class Diversion:
    """The namespace links by LAN interface, and their rules. The enforcer puts the rules in force."""

    def __init__(self) -> None:
        self.doors: dict[str, NamespaceLink] = {}
        # The ports of each bridge whose frames meet netfilter hooks at the ports, and the MAC address of each bridge.
        self.ports: dict[str, tuple[str, ...]] = {}
        self._macs: dict[str, bytes] = {}
        self._called: dict[str, bool] = {}
        self._complaints: list[str] = []
        self._number = 0
        self._ways: dict[str, Ways] = {}
        self._routes: RouteEvents | None = None

    def watch(self, interfaces: Sequence[str]) -> bool:
        """Opens a link for each existing interface and closes links of all others. True if links changed.

        `take_complaints` returns the failures. Queries on an interface without a link are not diverted.
        """
        names = [name for name in dict.fromkeys(interfaces) if is_there(name)]
        gone = [name for name, door in self.doors.items() if name not in names or not fits(name, door)]
        for name in gone:
            self.doors.pop(name).close()
        fresh = [name for name in names if name not in self.doors]
        for name in fresh:
            try:
                self.doors[name] = NamespaceLink(name, f"{NEAR_END}{self._number}")
            except MachineError as error:
                self._complaints.append(str(error))
            self._number += 1
        self._look_for_ways()
        self._look_for_ports()
        return bool(gone or fresh)

    def has_moved(self) -> bool:
        """Whether the last script is out of date because routes or netfilter settings of bridges changed."""
        if self._routes is None:
            return False
        ways, ports = self._ways, self.ports
        if self._routes.read():
            self._look_for_ways()
        if any(is_called(name) != called for name, called in self._called.items()):
            self._look_for_ports()
        return self._ways != ways or self.ports != ports

    def _look_for_ports(self) -> None:
        machine = look_at_machine()
        self._called = {name: is_called(name) for name in self.doors}
        found = {name: ports_of(machine, name) for name in self.doors}
        self.ports = {name: ports for name, ports in found.items() if ports}
        self._macs = {one.name: one.mac for one in machine.interfaces if one.name in self.ports}

    def _look_for_ways(self) -> None:
        if self._routes is None:
            self._routes = RouteEvents()
        self._ways = {}
        below = below_macvlans()
        for name in self.doors:
            self._ways[name] = {}
            for device in (below.get(name, ""), name):
                with contextlib.suppress(OSError):  # there is no such device, or it was removed meanwhile
                    self._ways[name][device], complaint = ways_out(device)
                    if complaint and complaint not in self._complaints:
                        self._complaints.append(complaint)

    def is_whole(self) -> bool:
        """False if a veth pair was removed."""
        return all(is_there(door.near) for door in self.doors.values())

    def take_complaints(self) -> list[str]:
        complaints, self._complaints = self._complaints, []
        return complaints

    def chains(self) -> list[str]:
        """Returns the names of the inet table's chains that `script` creates, with one rule each."""
        return [f"{DOOR_CHAIN}{number}" for number in range(len(self._hooks()))]

    def _hooks(self) -> list[str]:
        """Returns the interfaces whose ingress is checked for queries."""
        return [*self.doors, *[port for name in self.doors for port in self.ports.get(name, ())]]

    def script(self) -> str:
        """Returns the rules, for the transaction that creates the inet table."""
        lines = [f"table netdev {TABLE} {{", "}", f"delete table netdev {TABLE}"]
        if not self.doors:
            return "\n".join(lines) + "\n"
        for number, interface in enumerate(self._hooks()):
            hook = f'type filter hook ingress device "{interface}" priority {MARKING}; policy accept;'
            lines += [
                f"add chain inet {TABLE} {DOOR_CHAIN}{number} {{ {hook} }}",
                f"flush chain inet {TABLE} {DOOR_CHAIN}{number}",
                f"add rule inet {TABLE} {DOOR_CHAIN}{number} jump {INGRESS}",
            ]
        lines += [f"table netdev {TABLE} {{"]
        for number, door in enumerate(self.doors.values()):
            lines += self._sending(number, door)
        return "\n".join([*lines, "}"]) + "\n"

    def _sending(self, number: int, door: NamespaceLink) -> list[str]:
        ways = self._ways.get(door.interface, {})
        ports = self.ports.get(door.interface, ())
        return [
            *sets(number, door),
            f"\tchain to_sinkhole_{number} {{",
            f'\t\ttype filter hook ingress device "{door.interface}" priority {SENDING}; policy accept;',
            f"\t\t{OF_A_VLAN} accept",
            *coming_in(number),
            *entering(number, door, ways),
            "\t}",
            *self._carrying(number, door, ports),
            f"\tchain from_sinkhole_{number} {{",
            f'\t\ttype filter hook ingress device "{door.near}" priority {SENDING}; policy drop;',
            *going_in(number, door),
            *leaving(door, ways),
            "\t}",
            *coming_back(number, door, list(dict.fromkeys((door.interface, *ways, *ports)))),
        ]

    def _carrying(self, number: int, door: NamespaceLink, ports: Sequence[str]) -> list[str]:
        """Returns chains that move marked frames for the bridge's MAC from its ports to the bridge's ingress."""
        lines = []
        for place, port in enumerate(ports):
            ether = f"ether daddr {self._macs[door.interface].hex(':')}"
            carry = f'meta mark set {CARRIED_MARK:#x} meta pkttype set host fwd to "{door.near}"'
            lines += [
                f"\tchain to_bridge_{number}_{place} {{",
                f'\t\ttype filter hook ingress device "{port}" priority {SENDING}; policy accept;',
                f"\t\tmeta mark {MARK:#x} {OF_NO_VLAN} {ether} {carry}",
                f"\t\tmeta mark {MARK:#x} meta mark set 0",
                "\t}",
            ]
        return lines

    def close(self) -> None:
        for door in self.doors.values():
            door.close()
        self.doors = {}
        if self._routes is not None:
            self._routes.close()
            self._routes = None


def entering(number: int, door: NamespaceLink, ways: Ways) -> list[str]:
    """Returns rules that forward marked frames for the gateway, from clients with a return route, into the link.

    All other frames continue without a mark.
    """
    known = [way for some in ways.values() for way in some]
    rules = []
    for words, version in FAMILIES:
        some = sources(known, version)
        if some or door.interface == PROBE:
            whose = f"{words} saddr {some}" if door.interface != PROBE else f"meta protocol {words}"
            verdicts = (note_client(number, door, words, version), into(door, words))
            rules += [f"\t\tmeta mark {MARK:#x} meta pkttype host {whose} {then}" for then in verdicts if then]
    return [*rules, f"\t\tmeta mark {{ {MARK:#x}, {CARRIED_MARK:#x} }} meta mark set 0"]


def into(door: NamespaceLink, words: str) -> str:
    """Returns the forward statement. It rewrites the destination MAC; without a link-layer header, it adds one."""
    if door.ethernet:
        return f'ether daddr set {door.mac.hex(":")} fwd to "{door.near}"'
    return f'fwd {words} to {words} daddr device "{door.near}"'


def leaving(door: NamespaceLink, ways: Ways) -> list[str]:
    """Returns rules that forward responses to the client or its router. The mark separates them from a resolver's."""
    if door.interface == PROBE:
        found = [(words, f"meta protocol {words}", "", PROBE) for words, _ in FAMILIES]
    else:
        found = [
            (words, f"{words} daddr {some}", router, device)
            for device, there in ways.items()
            for words, version in FAMILIES
            for some, router in answers(there, version)
        ]
    return [
        f'\t\t{which} meta mark set {MARK:#x} fwd {words} to {router or f"{words} daddr"} device "{device}"'
        for words, which, router, device in found
    ]


def below_macvlans() -> dict[str, str]:
    """Returns the link below each macvlan interface. Raises MachineError if the kernel does not answer."""
    machine = look_at_machine()
    names = {interface.index: interface.name for interface in machine.interfaces}
    return {one.name: names[one.parent] for one in machine.interfaces if one.kind == MACVLAN and one.parent in names}


def fits(interface: str, door: NamespaceLink) -> bool:
    """Whether the link's veth pair exists and has the MTU of the interface."""
    with contextlib.suppress(OSError):
        return is_there(door.near) and look_at_link(interface)[1] == door.mtu
    return False


def is_there(interface: str) -> bool:
    try:
        socket.if_nametoindex(interface)
    except OSError:
        return False
    return True
