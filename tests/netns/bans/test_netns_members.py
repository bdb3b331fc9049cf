"""Groups by exclusion and exceptions for groups and prefixes, with real clients on two LAN interfaces."""

from collections.abc import Iterator

import pytest
from banned import LONG, QUIC_SECONDS, REFUSED, RESET

from monitor.lab.client import Client
from monitor.lab.lab import Lab
from monitor.lab.plan import Lan, Plan

pytestmark = pytest.mark.netns

GUESTS = "192.168.78.0/24"
PLAN = Plan(lans=(Lan(), Lan("br-guest", (GUESTS, "fd77:6761:7465:2::/64"), ("guest",))))
# A ban each of its own vendor, and one group or exception each.
CONFIGURATION = f"""
[capture]
interfaces = ["br-lan", "br-guest"]

[[group]]
name = "staff"
members = ["{{laptop}}"]

[[group]]
name = "no-address"
members = ["!{{phone}}"]

[[group]]
name = "no-interface"
members = ["!iface:br-guest"]

[[group]]
name = "no-host"
members = ["!host:laptop-*"]

[[ban]]
vendors = ["google"]
groups = ["no-address"]
mode = "enforce"

[[ban]]
vendors = ["netflix"]
groups = ["no-interface"]
mode = "enforce"

[[ban]]
vendors = ["telegram"]
groups = ["no-host"]
mode = "enforce"

[[ban]]
vendors = ["meta"]
groups = ["!staff"]
mode = "enforce"

[[ban]]
vendors = ["bytedance"]
mode = "enforce"

[[exception]]
group = "staff"
name = "newsroom.tiktok.com"

[[exception]]
prefix = "{GUESTS}"
vendor = "bytedance"
"""
YOUTUBE, INSTAGRAM, TELEGRAM, NETFLIX, TIKTOK = (
    "www.youtube.com", "www.instagram.com", "web.telegram.org", "www.netflix.com", "www.tiktok.com",
)  # fmt: skip
AT = {
    YOUTUBE: "142.250.74.78",
    INSTAGRAM: "157.240.0.174",
    TELEGRAM: "149.154.167.99",
    NETFLIX: "45.57.8.1",
    TIKTOK: "71.18.1.10",
}
NEWSROOM, NEWSROOM_AT, ELSEWHERE = "newsroom.tiktok.com", "203.0.113.31", "203.0.113.80"


@pytest.fixture(scope="module")
def house() -> Iterator[Lab]:
    with Lab(PLAN) as running:
        phone, laptop = running.client("phone"), running.client("laptop")
        running.daemon(CONFIGURATION.format(laptop=laptop.mac, phone=phone.v4))
        yield running


def reaches(client: Client, name: str) -> bool:
    """Whether the client gets the name and its address, all or nothing."""
    answered = client.dig(name).good
    fetched = client.curl(f"https://{AT[name]}/")
    named = client.curl(f"https://{name}/", address=ELSEWHERE)
    assert (fetched.good, named.good) == (answered, answered), (client.name, name, fetched, named)
    assert fetched.good or fetched.code == REFUSED
    return answered


@pytest.mark.parametrize(
    ("name", "free"),
    [
        (YOUTUBE, {"phone"}),
        (NETFLIX, {"guest"}),
        (INSTAGRAM, {"laptop"}),
        (TIKTOK, {"guest"}),
    ],
    ids=["an address", "an interface", "a group", "an exception for a prefix"],
)
def test_on_each_layer_whoever_is_left_out_reaches_what_all_others_do_not(
    house: Lab, name: str, free: set[str]
) -> None:
    assert {client.name for client in house.clients.values() if reaches(client, name)} == free


def test_a_device_is_left_out_once_it_has_the_host_name(house: Lab) -> None:
    laptop, daemon = house.client("laptop"), house.daemons[0]
    assert not reaches(laptop, TELEGRAM)
    laptop.dhcp("laptop-ann")
    daemon.wait_for("left out", lambda: laptop.dig(TELEGRAM).good and laptop.curl(f"https://{AT[TELEGRAM]}/").good)
    assert reaches(laptop, TELEGRAM)
    assert not reaches(house.client("phone"), TELEGRAM)
    house.client("phone").dhcp("laptop-ann")
    daemon.wait_for("refused", lambda: daemon.metric("host_names_refused_total") > 0)
    assert not reaches(house.client("phone"), TELEGRAM), "the name is another device's"


def test_an_exception_for_a_group_frees_one_name_for_its_members(house: Lab) -> None:
    laptop, phone = house.client("laptop"), house.client("phone")
    assert laptop.dig(NEWSROOM).good
    assert laptop.curl(f"https://{NEWSROOM}/").good
    assert phone.dig(NEWSROOM).status == "NXDOMAIN"
    assert phone.curl(f"https://{NEWSROOM}{LONG}", address=NEWSROOM_AT).code in (*RESET, REFUSED)
    assert not reaches(laptop, TIKTOK)


def test_a_cut_hello_of_one_device_leaves_the_same_of_another_alone(house: Lab) -> None:
    laptop, phone = house.client("laptop"), house.client("phone")
    assert phone.curl(f"https://{INSTAGRAM}{LONG}", address=ELSEWHERE).code in RESET
    assert laptop.curl(f"https://{INSTAGRAM}/", address=ELSEWHERE).good
    assert not phone.quic(INSTAGRAM, ELSEWHERE, path=LONG, seconds=QUIC_SECONDS).good
    assert laptop.quic(INSTAGRAM, ELSEWHERE).good
