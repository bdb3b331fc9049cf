"""Interfaces, routes and neighbours of a namespace, as rtnetlink tells them."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from cable import FAR_MAC, FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Cable, cable, ip, wait_until

from monitor.kernel.netlink.interfaces import Address, LinkEvents, look_at_machine
from monitor.kernel.netlink.neighbours import Neighbours
from monitor.model import Neighbour

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def v4(text: str) -> bytes:
    return socket.inet_aton(text)


def v6(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, text)


def test_interfaces_and_their_addresses(wire: Cable) -> None:
    machine = wire.near.inside(look_at_machine)
    cable_end = machine.interface("v0")
    assert cable_end is not None
    assert cable_end.up
    assert cable_end.kind == "veth"
    assert (cable_end.master, cable_end.parent) == (0, 0)
    assert {Address(v4(NEAR_V4), 24), Address(v6(NEAR_V6), 64)} <= set(cable_end.addresses)
    loopback = machine.interface("lo")
    assert loopback is not None
    assert loopback.loopback
    assert machine.interface("v9") is None


def test_a_bridge_and_its_port(wire: Cable) -> None:
    near = wire.near.name
    ip(f"-n {near} link add br0 type bridge")
    ip(f"-n {near} link add d0 type veth peer name d1")
    ip(f"-n {near} link set d0 master br0")
    try:
        machine = wire.near.inside(look_at_machine)
        bridge, port = machine.interface("br0"), machine.interface("d0")
        assert bridge is not None
        assert port is not None
        assert (bridge.kind, bridge.up, port.master) == ("bridge", False, bridge.index)
    finally:
        ip(f"-n {near} link del d0")
        ip(f"-n {near} link del br0")


@pytest.mark.parametrize(
    "route",
    [
        f"route add default via {FAR_V4}",
        f"-6 route add default via {FAR_V6}",
        f"route add default nexthop via {FAR_V4} nexthop via 10.9.0.3",
    ],
)
def test_default_routes(wire: Cable, route: str) -> None:
    assert wire.near.inside(look_at_machine).default_routes == frozenset()
    ip(f"-n {wire.near.name} {route}")
    try:
        assert wire.near.inside(look_at_machine).default_routes == {"v0"}
    finally:
        ip(f"-n {wire.near.name} {route.split('default')[0].replace('add', 'del')}default")


def test_forwarding(wire: Cable) -> None:
    assert not wire.near.inside(look_at_machine).forwarding
    wire.near.sysctl({"ipv6/conf/all/forwarding": 1})
    assert wire.near.inside(look_at_machine).forwarding
    wire.near.sysctl({"ipv6/conf/all/forwarding": 0})


def test_link_events(wire: Cable) -> None:
    with closing(wire.near.inside(LinkEvents)) as events:
        assert not events.read()
        ip(f"-n {wire.near.name} addr add 10.99.0.1/32 dev v0")
        wait_until(events.read)
        ip(f"-n {wire.near.name} addr del 10.99.0.1/32 dev v0")
        wait_until(events.read)
        assert not events.read()


def test_neighbours_now_and_later(wire: Cable) -> None:
    machine = wire.near.inside(look_at_machine)
    cable_end = machine.interface("v0")
    assert cable_end is not None
    places = {cable_end.index: 3}
    found: list[Neighbour] = []

    def knows(address: bytes) -> bool:
        found.extend(table.read(9.0, places))
        return address in {neighbour.address for neighbour in found}

    with closing(wire.near.inside(Neighbours)) as table:
        wait_until(lambda: knows(v4(FAR_V4)) and knows(v6(FAR_V6)))
        assert {(neighbour.interface, neighbour.time, neighbour.mac.hex(":")) for neighbour in found} == {
            (3, 9.0, FAR_MAC)
        }
        ip(f"-n {wire.near.name} neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev v0")
        wait_until(lambda: knows(v4("10.9.0.77")))
        assert found[-1].mac.hex(":") == "02:00:00:00:00:77"


def test_neighbours_of_other_interfaces_are_left_out(wire: Cable) -> None:
    with closing(wire.near.inside(Neighbours)) as table:
        assert table.read(1.0, {}) == []
