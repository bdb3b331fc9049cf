"""Members to groups: each kind of member, the order of the file, and changes of identity."""

import pytest
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    START,
    TIKTOK,
    exchange,
    gateway,
    lease,
    packet,
)

from monitor.attribution.devices import Device
from monitor.core.settings import Settings
from monitor.policy.groups import Group, GroupMembers, Groups, parse_mac


def device(mac: bytes = PHONE_MAC, addresses: tuple[bytes, ...] = (), hostname: bytes = b"") -> Device:
    made = Device(1, mac, b"", 1, START)
    made.addresses = dict.fromkeys(addresses, START)
    made.hostname = made.host = hostname
    return made


@pytest.mark.parametrize(
    ("member", "holds"),
    [
        ("02:aa:bb:cc:dd:01", True),
        ("02-AA-BB-CC-DD-01", True),
        ("02:aa:bb:cc:dd:02", False),
        ("10.20.0.0/16", True),
        ("10.20.3.4", True),
        ("10.21.0.0/16", False),
        ("fd00::/8", False),
        ("host:gov-*", True),
        ("host:GOV-pc-0[0-9]", True),
        ("host:gov", False),
        ("iface:br-gov", True),
        ("iface:br-lan", False),
    ],
)
def test_each_kind_of_member(member: str, holds: bool) -> None:
    groups = Groups([Group("gov", (member,))], ["br-lan", "br-gov"])
    seen = device(addresses=(bytes((10, 20, 3, 4)),), hostname=b"Gov-PC-07")
    assert groups.label_of(seen) == ("gov" if holds else "none")


def test_the_first_group_in_file_order_labels_and_all_of_them_are_known() -> None:
    groups = Groups(
        [Group("a", ("host:x",)), Group("b", ("10.0.0.0/8",)), Group("c", ("iface:eth1",))], ["eth0", "eth1"]
    )
    seen = device(addresses=(bytes((10, 0, 0, 1)),))
    assert groups.label_of(seen) == "b"
    assert groups.all_of(seen) == ["b", "c"]


def test_members_that_mean_nothing_are_told() -> None:
    assert GroupMembers(Group("g", ("10.0.0.0/8", "300.1.1.1", "02:aa"))).faults == ["300.1.1.1", "02:aa"]


@pytest.mark.parametrize("text", ["", "02:aa:bb:cc:dd", "02:aa:bb:cc:dd:1", "02:aa:bb:cc:dd:gg", "fd00::1:2:3:4:5"])
def test_what_is_no_mac(text: str) -> None:
    assert parse_mac(text) == b""


def test_a_host_name_that_comes_later_moves_the_device_for_the_bytes_that_come_later() -> None:
    watched = gateway(Settings(groups=(Group("gov", ("host:gov-*",)),)))
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com")[:4], START + 2)
    watched.feed(
        [lease(PHONE_MAC, PHONE, "gov-7", 3.0), packet(PHONE, TIKTOK, (40000, 443), at=4.0, length=999)], START + 5
    )
    assert {row.group: row.bytes_up for row in watched.rows()} == {"none": 560, "gov": 999}


def test_groups_label_metrics_and_rows() -> None:
    watched = gateway(Settings(groups=(Group("gov", (PHONE_MAC.hex(":"),)), Group("lan", ("192.168.0.0/16",)))))
    story = exchange(PHONE, TIKTOK, "www.tiktok.com") + exchange(LAPTOP, TIKTOK, "www.tiktok.com", mac=LAPTOP_MAC)
    watched.feed(story, START + 2)
    assert watched.snapshot()["flows_total"] == {
        ("bytedance", "tiktok", "gov", "sni"): 1.0,
        ("bytedance", "tiktok", "lan", "sni"): 1.0,
    }
    assert watched.snapshot()["devices"] == {("bytedance", "gov"): 1.0, ("bytedance", "lan"): 1.0}
