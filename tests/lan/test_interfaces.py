"""Which interfaces are watched without being named, and which combinations are refused."""

import socket

import pytest

from monitor.errors import MachineError, UsageError
from monitor.kernel.netlink.interfaces import Address, Interface, Machine
from monitor.lan.bridges import pure_bridges
from monitor.lan.interfaces import choose_interfaces, connected_prefixes, follow_lan, vlan_parents


def link(
    index: int, name: str, *addresses: str, up: bool = True, master: int = 0, parent: int = 0, kind: str = ""
) -> Interface:
    packed = []
    for text in addresses:
        address, _, length = text.partition("/")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        packed.append(Address(socket.inet_pton(family, address), int(length)))
    return Interface(index, name, kind, up, name == "lo", master, parent, tuple(packed))


LO = link(1, "lo", "127.0.0.1/8")
WAN = link(2, "wan0", "198.51.100.1/24")
LAN = link(3, "br-lan", "192.168.1.1/24", "fe80::1/64", kind="bridge")
PORT = link(4, "port1", master=3)
GUEST = link(5, "guest", "fd00:5::1/64", "2001:db8:5::1/64")
DOWN = link(6, "spare", "10.0.0.1/8", up=False)
VLAN = link(7, "guest.7", "172.16.7.1/24", parent=5, kind="vlan")
MACVLAN = link(10, "macvlan0", "172.16.8.1/24", parent=5, kind="macvlan")
PUBLIC = link(8, "dmz", "203.0.113.1/24")
UPLINK = link(9, "uplink", "192.168.178.2/24")
VRRP = link(16, "vrrp.51", "192.168.1.254/32", parent=3, kind="macvlan")
TRUNK = link(11, "trunk")
TAG = link(12, "trunk.9", parent=11, kind="vlan")
INNER = link(13, "trunk.9.8", "10.98.0.1/24", parent=12, kind="vlan")
STAFF = link(14, "staff", "10.99.0.1/24", parent=11, kind="vlan")
EVERYTHING = (LO, WAN, LAN, PORT, GUEST, DOWN, PUBLIC)


def machine(*interfaces: Interface, default: str = "wan0", forwarding: bool = True) -> Machine:
    return Machine(interfaces, frozenset([default] if default else []), forwarding)


@pytest.mark.parametrize(
    ("here", "expected", "why"),
    [
        (machine(*EVERYTHING), ("br-lan", "guest"), "forwards"),
        (machine(LO, UPLINK, LAN, default="uplink"), ("br-lan",), "forwards"),
        (machine(*EVERYTHING, forwarding=False), ("wan0",), "does not forward"),
        (machine(LO, WAN, PUBLIC), ("wan0",), "no other interface has a private prefix"),
        (machine(LO, WAN, LAN, default=""), ("br-lan",), "forwards"),
        # Parts are seen on the whole where that is watched, else they are watched themselves.
        (machine(*EVERYTHING, VRRP), ("br-lan", "guest"), "forwards"),
        (machine(LO, WAN, TRUNK, INNER, STAFF), ("trunk.9.8", "staff"), "forwards"),
        (
            machine(LO, UPLINK, LAN, link(20, "uplink.5", "10.5.0.1/24", parent=9), default="uplink"),
            ("br-lan", "uplink.5"),
            "forwards",
        ),
    ],
)
def test_default(here: Machine, expected: tuple[str, ...], why: str) -> None:
    choice = choose_interfaces(here, (), ())
    assert choice.names == expected
    assert why in choice.why


@pytest.mark.parametrize(
    ("watched", "here", "ways_out", "expected"),
    [
        (("wan0",), machine(LO, WAN, LAN), {"wan0"}, ("br-lan",)),  # the LAN side came up late
        (("br-lan", "uplink"), machine(LO, UPLINK, LAN, default="uplink"), {"uplink"}, ("br-lan",)),  # the route did
        (("br-lan",), machine(*EVERYTHING), {"wan0"}, ("br-lan", "guest")),
        (("spare", "br-lan"), machine(*EVERYTHING), {"wan0"}, ("spare", "br-lan", "guest")),  # down, not away
        (("gone", "br-lan"), machine(LO, WAN, LAN), {"wan0"}, ("br-lan",)),
        (("port1",), machine(LO, WAN, LAN, PORT), {"wan0"}, ("br-lan",)),  # became a bridge's port
        (("br-lan",), machine(LO, UPLINK, LAN, default=""), {"uplink"}, ("br-lan",)),  # it led out, and will again
        (("br-lan",), machine(LO, WAN), {"wan0"}, ("br-lan",)),  # better what there was than the way out
        (("br-lan",), machine(*EVERYTHING, forwarding=False), {"wan0"}, ("br-lan",)),
    ],
)
def test_the_lan_side_is_followed(
    watched: tuple[str, ...], here: Machine, ways_out: set[str], expected: tuple[str, ...]
) -> None:
    assert follow_lan(here, watched, ways_out) == expected


def test_the_command_line_goes_before_the_configuration() -> None:
    here = machine(*EVERYTHING)
    assert choose_interfaces(here, ("guest", "guest"), ("br-lan",)).names == ("guest",)
    assert choose_interfaces(here, (), ("br-lan", "wan0")).names == ("br-lan", "wan0")


def test_nothing_to_watch() -> None:
    with pytest.raises(MachineError, match="name one with -i"):
        choose_interfaces(machine(LO, PUBLIC, default="", forwarding=False), (), ())


def test_one_that_does_not_exist() -> None:
    with pytest.raises(MachineError, match="interface br0 does not exist; there are lo, wan0"):
        choose_interfaces(machine(LO, WAN), ("br0",), ())


@pytest.mark.parametrize("names", [("br-lan", "port1"), ("port1", "br-lan"), ("macvlan0", "guest")])
def test_what_would_count_twice_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="all counts twice"):
        choose_interfaces(machine(*EVERYTHING, VLAN, MACVLAN), names, ())


def test_a_vlan_and_what_it_lies_on_may_both_be_watched() -> None:
    """A trunk with devices without a tag beside it: what has a tag is the VLAN's alone."""
    here = machine(*EVERYTHING, VLAN, MACVLAN)
    assert choose_interfaces(here, (), ()).names == ("br-lan", "guest", "guest.7")
    assert vlan_parents(here, ("br-lan", "guest", "guest.7")) == {"guest"}
    assert vlan_parents(here, ("br-lan", "guest")) == frozenset()


def test_a_port_alone_may_be_watched() -> None:
    assert choose_interfaces(machine(*EVERYTHING), ("port1",), ()).names == ("port1",)


def test_what_is_on_link() -> None:
    here = machine(*EVERYTHING)
    assert connected_prefixes(here, ("br-lan", "guest")) == {
        "br-lan": ("192.168.1.0/24", "fe80::/64"),
        "guest": ("fd00:5::/64", "2001:db8:5::/64"),
    }
    assert connected_prefixes(here, ("br-lan", "port1")) is None
    assert connected_prefixes(here, ("gone",)) is None


def test_parts_belong_to_the_whole() -> None:
    here = machine(*EVERYTHING, VLAN, VRRP, TRUNK, TAG, INNER, STAFF)
    assert here.with_parts(("br-lan", "wan0")) == ("br-lan", "wan0", "vrrp.51")
    assert here.with_parts(("trunk",)) == ("trunk", "trunk.9", "staff", "trunk.9.8")
    assert here.with_parts(("guest.7", "guest")) == ("guest.7", "guest")
    assert here.with_parts(("trunk", "staff")) == ("trunk", "staff")
    assert connected_prefixes(here, ("trunk",)) == {"trunk": ("10.98.0.0/24", "10.99.0.0/24")}
    assert connected_prefixes(here, ("trunk.9",)) == {"trunk.9": ("10.98.0.0/24",)}


def test_a_part_that_leads_out_is_not_inside() -> None:
    """One wire for both sides: a VLAN leads to the internet, another one is the LAN."""
    out = link(12, "trunk.2", "100.64.3.7/10", parent=11, kind="vlan")
    here = machine(LO, TRUNK, out, STAFF, default="trunk.2")
    assert here.with_parts(("trunk",)) == ("trunk", "staff")
    assert choose_interfaces(here, (), ()).names == ("staff",)


def test_a_bridge_routes_where_a_part_of_it_has_the_address() -> None:
    bare = link(3, "br-lan", kind="bridge")
    tagged = link(15, "br-lan.10", "192.168.10.1/24", parent=3, kind="vlan")
    assert pure_bridges(machine(LO, WAN, bare, PORT), ("br-lan",)) == ["br-lan"]
    assert pure_bridges(machine(LO, WAN, bare, PORT, tagged), ("br-lan",)) == []
