"""Builds the lab's network as planned: bridges, veth pairs, addresses, routes and kernel parameters."""

from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from monitor.errors import MachineError
from monitor.lab.leftovers import LabLock
from monitor.lab.namespace import LOOPBACK, Namespace
from monitor.lab.plan import (
    WAN_GATEWAY_V4,
    WAN_GATEWAY_V6,
    WAN_INTERNET_V4,
    WAN_INTERNET_V6,
    Lan,
    Plan,
    bridge_mac,
    client_mac,
    privacy_address,
)

INET: Final = 2
INET6: Final = 10
WAN: Final = "wan0"
CLIENT_INTERFACE: Final = "eth0"
# A router solicits its neighbours from a link-local address; the kernel assigns its own up to a second late.
GATEWAY_LINK_LOCAL: Final = "fe80::1"
INTERNET_LINK_LOCAL: Final = "fe80::2"
SCOPE_HOST: Final = 254
IFA_F_NODAD: Final = 0x02

# Addresses are usable at once (no duplicate address detection, RFC 4862 section 5.4), stay when an interface goes down,
# and never come from router advertisements.
QUIET: Final = {
    "ipv6/conf/all/accept_dad": 0,
    "ipv6/conf/default/accept_dad": 0,
    "ipv6/conf/all/accept_ra": 0,
    "ipv6/conf/default/accept_ra": 0,
    "ipv6/conf/all/keep_addr_on_down": 1,
    "ipv6/conf/default/keep_addr_on_down": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
}
# Servers may bind to, and answer from, addresses that no interface has.
ANY_ADDRESS: Final = {"ipv4/ip_nonlocal_bind": 1, "ipv6/ip_nonlocal_bind": 1}
FORWARDING: Final = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}

# Conntrack counts only if a rule needs it; every real gateway has such a rule.
FIREWALL: Final = """
table inet lab_firewall {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        {nat}
    }}
}}
"""
MASQUERADE: Final = f'meta nfproto ipv4 oifname "{WAN}" masquerade'


@dataclass
class Wires:
    """The connected namespaces of a lab. `addresses` are those of each client, IPv4 first within a prefix."""

    gateway: Namespace
    internet: Namespace
    clients: dict[str, Namespace] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    macs: dict[str, str] = field(default_factory=dict)
    gateway_macs: dict[str, str] = field(default_factory=dict)


def wire(plan: Plan, claim: LabLock) -> Wires:
    """Creates the namespaces of `plan` and connects them."""
    wires = Wires(claim.namespace("gateway"), claim.namespace("internet"))
    for namespace in (wires.gateway, wires.internet):
        namespace.create()
        namespace.sysctl(QUIET)
    wires.gateway.sysctl(FORWARDING)
    wires.internet.sysctl(ANY_ADDRESS)
    wires.gateway.link(lambda link: connect_internet(link, wires.internet))
    wires.internet.link(lambda link: answer_everywhere(link, plan))
    for lan in plan.lans:
        wires.gateway.link(partial(make_bridge, lan=lan))
    for lan, name, number in plan.members():
        add_client(wires, lan, name, number, claim)
        wires.clients[name].resolve_by(plan.resolver_addresses())
    # The gateway itself always uses the internet's resolver.
    wires.gateway.resolve_by(Plan().resolver_addresses())
    start_tracking(wires.gateway, plan)
    return wires


def connect_internet(link: Any, internet: Namespace) -> None:
    """Creates the gateway's WAN side and its default routes."""
    link.link("add", ifname=WAN, kind="veth", peer={"ifname": WAN, "net_ns_fd": internet.name})
    wan = index_of(link, WAN)
    link.link("set", index=wan, state="up")
    add_address(link, wan, WAN_GATEWAY_V4, 30)
    add_address(link, wan, WAN_GATEWAY_V6, 64)
    add_address(link, wan, GATEWAY_LINK_LOCAL, 64)
    link.route("add", dst="0.0.0.0/0", gateway=WAN_INTERNET_V4)
    # The far end comes up later; the route must not wait for it.
    link.route("add", family=INET6, dst="::/0", gateway=WAN_INTERNET_V6, oif=wan)


def answer_everywhere(link: Any, plan: Plan) -> None:
    """Routes all addresses to the internet's namespace, except those of the LANs behind the gateway."""
    wan = index_of(link, WAN)
    link.link("set", index=wan, state="up")
    add_address(link, wan, WAN_INTERNET_V4, 30)
    add_address(link, wan, WAN_INTERNET_V6, 64)
    add_address(link, wan, INTERNET_LINK_LOCAL, 64)
    link.route("add", family=INET, dst="0.0.0.0/0", type="local", oif=LOOPBACK, scope=SCOPE_HOST)
    link.route("add", family=INET6, dst="::/0", type="local", oif=LOOPBACK)
    for lan in plan.lans:
        for network in lan.networks():
            gateway = WAN_GATEWAY_V4 if network.version == 4 else WAN_GATEWAY_V6
            link.route("add", family=family(network), dst=str(network), gateway=gateway, oif=wan)


def make_bridge(link: Any, lan: Lan) -> None:
    # A bridge without a MAC of its own takes that of a port, and changes it with its ports.
    link.link("add", ifname=lan.interface, kind="bridge", br_mcast_snooping=0, address=bridge_mac(lan))
    bridge = index_of(link, lan.interface)
    link.link("set", index=bridge, state="up")
    add_address(link, bridge, GATEWAY_LINK_LOCAL, 64)
    for network in lan.networks():
        add_address(link, bridge, str(network[1]), network.prefixlen)


def add_client(wires: Wires, lan: Lan, name: str, number: int, claim: LabLock) -> None:
    client = claim.namespace(name)
    client.create()
    client.sysctl(QUIET)
    wires.clients[name] = client
    wires.macs[name] = client_mac(number)
    wires.gateway_macs[name] = bridge_mac(lan)
    wires.addresses[name] = client_addresses(lan, number)
    port = {"ifname": CLIENT_INTERFACE, "net_ns_fd": client.name, "address": client_mac(number)}
    wires.gateway.link(lambda link: add_port(link, lan, f"port-{name}", port))
    client.link(lambda link: connect_client(link, lan, number))


def add_port(link: Any, lan: Lan, name: str, peer: dict[str, str]) -> None:
    link.link("add", ifname=name, kind="veth", peer=peer)
    link.link("set", index=index_of(link, name), master=index_of(link, lan.interface), state="up")


def connect_client(link: Any, lan: Lan, number: int) -> None:
    interface = index_of(link, CLIENT_INTERFACE)
    link.link("set", index=interface, state="up")
    routed: set[int] = set()
    for network in lan.networks():
        add_address(link, interface, str(network[number]), network.prefixlen)
        if isinstance(network, IPv6Network):
            add_address(link, interface, privacy_address(network, number), network.prefixlen)
        if network.version not in routed:
            everything = "0.0.0.0/0" if network.version == 4 else "::/0"
            # Without a preferred source, the kernel would use the newest of the IPv6 addresses.
            link.route(
                "add",
                family=family(network),
                dst=everything,
                gateway=str(network[1]),
                oif=interface,
                prefsrc=str(network[number]),
            )
            routed.add(network.version)


def client_addresses(lan: Lan, number: int) -> list[str]:
    """Returns all addresses of a client, the privacy ones last."""
    networks = lan.networks()
    stable = [str(network[number]) for network in networks]
    return stable + [privacy_address(network, number) for network in networks if isinstance(network, IPv6Network)]


def start_tracking(gateway: Namespace, plan: Plan) -> None:
    """Sets connection tracking up as an administrator would: accounting, a firewall, optionally NAT."""
    rules = FIREWALL.format(nat=MASQUERADE if plan.masquerade else "")
    loaded = gateway.run(["nft", "-f", "-"], input=rules)
    if loaded.returncode != 0:
        raise MachineError(f"lab: nft refused the gateway's firewall: {loaded.stderr.strip().splitlines()[:1]}")
    values: dict[str, str | int] = {f"netfilter/nf_conntrack_{name}": value for name, value in plan.timeouts.items()}
    gateway.sysctl({"netfilter/nf_conntrack_acct": 1, **values})


def add_address(link: Any, interface: int, address: str, length: int) -> None:
    flags = IFA_F_NODAD if ip_address(address).version == 6 else 0
    link.addr("add", index=interface, address=address, prefixlen=length, flags=flags)


def index_of(link: Any, name: str) -> int:
    return int(link.link_lookup(ifname=name)[0])


def family(network: IPv4Network | IPv6Network) -> int:
    return INET if network.version == 4 else INET6
