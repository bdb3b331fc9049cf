"""A device with a MAC of its own making appears where a banned one vanishes."""

import pytest
from banned_world import ban, governed, hello, rulings, told
from cast import LAPTOP, LAPTOP_MAC, PHONE, PHONE_MAC, START, packet

from monitor.core.gateway import Gateway
from monitor.core.verdict.replacement import NEW_MAX, RECENT_SECONDS, SILENT_SECONDS
from monitor.model import Observation

BOUGHT_MAC = bytes.fromhex("00aabbccdd03")


def seen(source: str, mac: bytes, at: float) -> list[Observation]:
    return [packet(source, "198.51.100.7", (41000, 443), at=at, mac=mac)]


def story(watched: Gateway, mac: bytes, appears: float, back: float = 0.0) -> list[tuple[str, str, str]]:
    """The phone is seen at 1 s, another MAC at `appears`, the phone again at `back`, if ever; what was noted."""
    watched.feed(seen(PHONE, PHONE_MAC, 1.0), START + 1)
    found = watched.feed(seen(LAPTOP, mac, appears), START + appears)
    if back:
        found += watched.feed(seen(PHONE, PHONE_MAC, back), START + back)
    found += watched.tick(START + appears + SILENT_SECONDS + 2)
    return [ruling for ruling in rulings(found) if ruling[1] == "device"]


def changes(watched: Gateway) -> float:
    return told(watched, "bypass_attempts_total", at=5_000).get(("phones", "mac_change"), 0)


def test_it_is_noted_and_counted_once() -> None:
    watched = governed()
    assert story(watched, LAPTOP_MAC, 60.0) == [("suspect", "device", "bytedance-test")]
    assert changes(watched) == 1


@pytest.mark.parametrize(
    ("mac", "appears", "back"),
    [
        (LAPTOP_MAC, 60.0, 90.0),
        (BOUGHT_MAC, 60.0, 0.0),
        (LAPTOP_MAC, RECENT_SECONDS + 60.0, 0.0),
    ],
    ids=["the banned one came back", "a MAC of a maker's", "too long ago"],
)
def test_what_is_no_sign(mac: bytes, appears: float, back: float) -> None:
    watched = governed()
    assert story(watched, mac, appears, back) == []
    assert changes(watched) == 0


def test_a_ban_of_everyone_leaves_nothing_to_escape() -> None:
    watched = governed(ban(groups=()))
    assert story(watched, LAPTOP_MAC, 60.0) == []


def test_devices_say_whether_their_mac_is_made_up() -> None:
    watched = governed()
    watched.feed(hello("www.tiktok.com"), START + 1)
    watched.feed(hello("www.tiktok.com", source=LAPTOP, mac=BOUGHT_MAC), START + 2)
    assert {row.mac: row.random_mac for row in watched.device_rows()} == {
        PHONE_MAC.hex(":"): True,
        BOUGHT_MAC.hex(":"): False,
    }


def test_of_too_many_new_devices_at_once_the_rest_is_counted() -> None:
    watched = governed()
    flood = [
        one
        for number in range(NEW_MAX + 5)
        for one in seen(f"192.168.2.{number}", bytes((2, 0, 0, 0, 1, number)), at=1.0)
    ]
    watched.feed(flood, START + 1)
    watched.tick(START + 3)
    assert watched.evictions()["replacements"] == 5
    assert watched.table_sizes()["replacements"] == 0
