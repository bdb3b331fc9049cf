"""Which interfaces with a private prefix are no LAN side, and what is remembered of it."""

from pathlib import Path

import pytest
from test_interfaces import LAN, LO, UPLINK, WAN, link, machine

from monitor.config.parse import parse
from monitor.config.sections import Config
from monitor.kernel.netlink.interfaces import Address, Interface
from monitor.lan.interface_roles import REMEMBERED_MAX, remember_ways_out, remembered_ways_out
from monitor.lan.interfaces import choose_for, choose_interfaces, follow_lan

LEASED = Interface(30, "wan2", "", True, False, 0, 0, (Address(bytes((192, 168, 50, 7)), 24, leased=True),))


def config_in(folder: Path, capture: str = "") -> Config:
    return parse(f"[capture]\n{capture}\n[state]\npath = '{folder}'\n", "c.toml")


@pytest.mark.parametrize(
    "name",
    ["docker0", "docker_gwbridge", "br-0123456789ab", "virbr0", "lxdbr0", "podman1", "cni0", "veth12ab", "vnet0"],
)
def test_interfaces_of_containers_are_left_out_unless_they_are_named(name: str) -> None:
    here = machine(LO, WAN, LAN, link(20, name, "172.17.0.1/16"))
    choice = choose_interfaces(here, (), ())
    assert choice.names == ("br-lan",)
    assert choice.left_out == (
        f"not watching {name}: made for containers or virtual machines; "
        f'interfaces = ["{name}", …] in [capture] watches it',
    )
    assert choose_interfaces(here, (), ("br-lan", name)).names == ("br-lan", name)
    assert follow_lan(here, ("br-lan",), frozenset()) == ("br-lan",)


def test_a_bridge_with_a_name_of_an_administrators_is_a_lan() -> None:
    here = machine(LO, WAN, LAN, link(20, "br-guests", "172.17.0.1/16"))
    assert choose_interfaces(here, (), ()).names == ("br-lan", "br-guests")


def test_a_second_wan_with_a_leased_address_is_no_lan() -> None:
    choice = choose_interfaces(machine(LO, WAN, LAN, LEASED), (), ())
    assert choice.names == ("br-lan",)
    assert "not watching wan2: its address is a lease of a DHCP server" in choice.left_out[0]


def test_a_second_wan_that_has_led_out_is_no_lan_after_a_restart(tmp_path: Path) -> None:
    config = config_in(tmp_path / "state")
    before = machine(LO, LAN, UPLINK, default="uplink")
    assert choose_for(before, (), config).names == ("br-lan",)
    waiting = machine(LO, WAN, LAN, UPLINK)
    assert choose_for(waiting, (), config).names == ("br-lan", "uplink"), "nothing is known of it"
    remember_ways_out(config, before, before.default_routes)
    choice = choose_for(waiting, (), config)
    assert choice.names == ("br-lan",)
    assert "not watching uplink: a default route has led out through it" in choice.left_out[0]
    assert choose_for(waiting, (), config_in(tmp_path / "state", "interfaces = ['uplink']")).names == ("uplink",)


def test_what_is_excluded_is_left_out_now_and_later(tmp_path: Path) -> None:
    config = config_in(tmp_path, "exclude = ['uplink']")
    here = machine(LO, WAN, LAN, UPLINK)
    assert choose_for(here, (), config).names == ("br-lan",)
    assert follow_lan(here, ("br-lan",), frozenset(), config.capture.exclude) == ("br-lan",)


@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", '{"a": 1}', "[" + '"x",' * 100_000 + '"x"]'])
def test_a_damaged_memory_is_none(tmp_path: Path, damage: str) -> None:
    config = config_in(tmp_path)
    (tmp_path / "ways_out.json").write_text(damage)
    assert remembered_ways_out(config) == frozenset()
    remember_ways_out(config, machine(LO, WAN), [f"wan{number}" for number in range(100)])
    kept = remembered_ways_out(config)
    assert len(kept) == REMEMBERED_MAX
    assert "wan0" in kept
