"""Members in the kernel's sets: the configured ones at once, devices as they come, move and go."""

from monitor.policy.groups import Group, Groups
from monitor.policy.table.change import AddElements, DeleteElements
from monitor.policy.table.members import Members

MAC = bytes.fromhex("020000000001")
NEW_MAC = bytes.fromhex("020000000002")
V4 = bytes((10, 0, 0, 9))
V6 = bytes.fromhex("fd00000000000000000000000000000a")


def members(*groups: Group) -> Members:
    return Members(Groups(groups, ["br-lan"]))


def held(of: Members) -> dict[str, set[bytes]]:
    return {name: set(keys) for name, keys in of.elements().items() if keys}


def test_configured_members_are_there_from_the_start() -> None:
    of = members(
        Group("staff", ("02-00-00-00-00-01", "10.0.0.9", "fd00::a", "iface:br-lan", "host:staff-*")),
        Group("labs", ("10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "fd01::/64")),
    )
    assert held(of) == {
        "g_staff/mac": {MAC},
        "g_staff/ip4": {V4},
        "g_staff/ip6": {V6},
        "g_staff/iface": {b"br-lan"},
        "g_labs/net4": {bytes((10, 1, 0, 0, 10, 2, 255, 255))},
        "g_labs/net6": {bytes.fromhex("fd01" + "00" * 14 + "fd01" + "00" * 6 + "ff" * 8)},
    }


def test_a_device_comes_moves_and_goes() -> None:
    of = members(Group("staff", ("host:staff-*",)), Group("labs"))
    assert of.follow(7, ["staff"], b"", [V4]) == [AddElements("g_staff/ip4", ((V4, ""),))]
    assert of.follow(7, ["staff"], b"", [V4]) == []
    assert of.follow(7, ["staff"], b"", [V4, V6]) == [AddElements("g_staff/ip6", ((V6, ""),))]
    assert of.follow(7, ["staff"], MAC, [V4, V6]) == [
        AddElements("g_staff/mac", ((MAC, ""),)),
        DeleteElements("g_staff/ip4", (V4,)),
        DeleteElements("g_staff/ip6", (V6,)),
    ]
    assert of.follow(7, ["labs"], MAC, [V4]) == [
        AddElements("g_labs/mac", ((MAC, ""),)),
        DeleteElements("g_staff/mac", (MAC,)),
    ]
    assert of.forget(7) == [DeleteElements("g_labs/mac", (MAC,))]
    assert of.forget(7) == []
    assert held(of) == {}


def test_a_key_stays_while_somebody_else_brings_it() -> None:
    of = members(Group("staff", (MAC.hex(":"), "host:*")))
    assert of.follow(1, ["staff"], MAC, ()) == []
    assert of.follow(2, ["staff"], NEW_MAC, ()) != []
    assert of.forget(1) == []
    assert held(of) == {"g_staff/mac": {MAC, NEW_MAC}}


def test_a_group_that_is_no_more_is_ignored() -> None:
    assert members(Group("staff")).follow(1, ["gone"], MAC, ()) == []
