"""Who is behind an address: stories of MACs, leases, routers and neighbours."""

from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    PHONE_V6,
    ROUTER_MAC,
    START,
    STRANGER,
    TIKTOK,
    answer_to,
    connection,
    exchange,
    gateway,
    lease,
    ledger,
    neighbour,
    packed,
    packet,
    syn,
)

from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.limits import Limits
from monitor.model import FLOW_NEW, Packet
from monitor.policy.groups import Group

PHONE_NAME = PHONE_MAC.hex(":")
LAPTOP_NAME = LAPTOP_MAC.hex(":")


def devices(watched: Gateway) -> list[str]:
    return sorted({row.device for row in watched.rows()})


def test_ipv4_and_privacy_addresses_belong_to_the_device_of_their_mac() -> None:
    watched = gateway()
    story = exchange(PHONE, TIKTOK, "www.tiktok.com")
    for at, suffix in enumerate(("a:1", "b:2", "c:3"), 1):
        story += exchange(f"fd00::{suffix}", "2001:db8::1", "www.tiktok.com", at, (40000 + at, 443))
    watched.feed(story, START + 9)
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "sni"): (2400, 20400, 4)}
    (row,) = watched.device_rows()
    assert row.addresses == (PHONE, "fd00::a:1", "fd00::b:2", "fd00::c:3")


def test_a_flow_that_is_met_with_an_answer_still_finds_its_device() -> None:
    watched = gateway()
    watched.feed([answer_to(packet(PHONE, TIKTOK, (40000, 443)))], START)
    watched.close(START + 60)
    assert ledger(watched) == {(PHONE_NAME, "unknown", "none"): (0, 1000, 1)}


def without_header(source: str, interface: int) -> Packet:
    """A packet of a link that has no MAC addresses."""
    seen = packet(source, TIKTOK, (40000, 443), interface=interface)
    seen.ethernet = b""
    return seen


def test_a_device_without_a_mac_is_a_member_by_the_interface_that_it_was_seen_on() -> None:
    remote = Group("remote", ("iface:wg0",))
    watched = gateway(settings=Settings(interfaces=("br-lan", "wg0"), groups=(remote,)))
    assert watched.answer_policy(packed(STRANGER), b"example.com", START).groups == ()
    assert not watched.answer_policy(packed(STRANGER), b"example.com", START).is_known
    watched.feed([without_header(STRANGER, 1)], START)
    assert watched.answer_policy(packed(STRANGER), b"example.com", START).is_known
    assert watched.answer_policy(packed(STRANGER), b"example.com", START).groups == ("remote",)


def test_a_packet_without_a_mac_moves_no_device_that_has_one() -> None:
    home = Group("home", ("iface:br-lan",))
    watched = gateway(settings=Settings(interfaces=("br-lan", "wg0"), groups=(home,)))
    watched.feed([packet(PHONE, TIKTOK, (40000, 443)), without_header(PHONE, 1)], START)
    assert watched.answer_policy(packed(PHONE), b"example.com", START).groups == ("home",)


def test_without_a_mac_the_address_is_the_device() -> None:
    first = packet(PHONE, TIKTOK, (40000, 443))
    first.ethernet = b""
    watched = gateway()
    watched.feed([first], START)
    watched.close(START + 60)
    assert devices(watched) == [PHONE]


def router_story(hosts: int) -> Gateway:
    watched = gateway()
    for host in range(hosts):
        story = exchange(f"10.0.0.{host + 1}", TIKTOK, "www.tiktok.com", host, mac=ROUTER_MAC)
        watched.feed(story, START + host + 0.5)
    watched.close(START + 100)
    return watched


def test_a_mac_with_eight_sources_is_a_device_with_nine_a_router() -> None:
    assert devices(router_story(8)) == [ROUTER_MAC.hex(":")]
    watched = router_story(9)
    assert devices(watched) == [f"10.0.0.{host}" for host in range(1, 10)]
    assert {(row.bytes_up, row.bytes_down, row.flows) for row in watched.rows()} == {(600, 5100, 1)}


def test_where_links_are_known_a_mac_is_a_device_only_on_its_link() -> None:
    settings = Settings(interfaces=("br-lan",), connected={"br-lan": ("192.168.1.0/24",)})
    watched = gateway(settings)
    watched.feed(exchange(PHONE, TIKTOK, "") + exchange("10.9.0.5", TIKTOK, "", mac=ROUTER_MAC), START + 1)
    watched.close(START + 60)
    assert devices(watched) == [PHONE_NAME, "10.9.0.5"]


def test_where_links_are_known_many_sources_make_no_router() -> None:
    settings = Settings(interfaces=("br-lan",), connected={"br-lan": ("192.168.1.0/24",)})
    watched = gateway(settings)
    for host in range(12):
        watched.feed(exchange(f"192.168.1.{host + 50}", TIKTOK, "", host), START + host + 1)
    watched.close(START + 60)
    assert devices(watched) == [PHONE_NAME]


def test_an_address_that_moves_to_another_mac_moves_to_its_device() -> None:
    watched = gateway()
    watched.feed(
        exchange(PHONE, TIKTOK, "") + exchange(PHONE, TIKTOK, "", 5.0, (40001, 443), mac=LAPTOP_MAC), START + 9
    )
    watched.close(START + 60)
    assert {row.device: row.flows for row in watched.rows()} == {PHONE_NAME: 1, LAPTOP_NAME: 1}
    assert {row.device: row.addresses for row in watched.device_rows()} == {PHONE_NAME: (), LAPTOP_NAME: (PHONE,)}


def test_a_device_known_by_its_address_becomes_one_with_its_mac_once_that_is_seen() -> None:
    watched = gateway(Settings(flows=CONNTRACK))
    watched.feed([connection(FLOW_NEW, 500, 900)], START)
    watched.tick(START + 10)
    assert devices(watched) == [PHONE]
    watched.feed([neighbour(PHONE, PHONE_MAC, 11.0), neighbour(PHONE_V6, PHONE_MAC, 11.0)], START + 11)
    watched.feed([connection(FLOW_NEW, 700, 900, 12.0)], START + 12)
    watched.tick(START + 20)
    assert ledger(watched) == {(PHONE_NAME, "unknown", "none"): (700, 900, 1)}
    (row,) = watched.device_rows()
    assert row.addresses == (PHONE, PHONE_V6)


def test_dhcp_gives_a_device_its_name_and_its_address() -> None:
    watched = gateway(Settings(flows=CONNTRACK))
    watched.feed([lease(PHONE_MAC, PHONE, "pixel-7"), connection(FLOW_NEW, 500, 900, 1.0)], START + 1)
    (row,) = watched.device_rows()
    assert (row.device, row.hostname, row.addresses) == (PHONE_NAME, "pixel-7", (PHONE,))


def test_a_request_names_a_device_but_gives_it_no_address_yet() -> None:
    watched = gateway()
    watched.feed([lease(PHONE_MAC, PHONE, "pixel-7", kind="request")], START)
    (row,) = watched.device_rows()
    assert (row.hostname, row.addresses) == ("pixel-7", ())


def test_a_lease_that_a_relay_asked_for_makes_no_mac_device() -> None:
    settings = Settings(interfaces=("br-lan",), connected={"br-lan": ("192.168.1.0/24",)})
    watched = gateway(settings)
    watched.feed([lease(PHONE_MAC, "10.9.0.5", "far-away")], START)
    (row,) = watched.device_rows()
    assert (row.device, row.mac, row.hostname) == ("10.9.0.5", "", "far-away")


def test_a_frame_from_nowhere_is_no_address() -> None:
    """DHCP clients send from 0.0.0.0: the MAC is known, the address is not."""
    watched = gateway()
    watched.feed([packet("0.0.0.0", "255.255.255.255", (68, 67), 17)], START)
    (row,) = watched.device_rows()
    assert (row.device, row.addresses) == (PHONE_NAME, ())


def test_a_remote_address_never_becomes_a_device_while_the_other_end_is_local() -> None:
    watched = gateway()
    knock = packet(STRANGER, LAPTOP, (999, 22), at=1.0, mac=ROUTER_MAC, to=LAPTOP_MAC)
    watched.feed([*exchange(PHONE, TIKTOK, "www.tiktok.com"), knock], START + 2)
    assert sorted(row.device for row in watched.device_rows()) == [PHONE_NAME, LAPTOP_NAME]


def test_the_device_table_keeps_its_limit_and_forgets_who_was_quiet() -> None:
    watched = gateway(Settings(limits=Limits(devices=50)))
    for host in range(200):
        mac = bytes((2, 0, 0, 0, 0, host))
        watched.feed(
            [syn(f"10.0.{host}.1", TIKTOK, at=host, mac=mac), syn(PHONE, TIKTOK, (host + 1, 443), host)], START + host
        )
    assert watched.table_sizes()["devices"] <= 50
    assert watched.evictions()["devices"] >= 150
    assert PHONE_NAME in [row.device for row in watched.device_rows()]


def test_a_device_keeps_no_more_addresses_than_its_limit() -> None:
    watched = gateway(Settings(limits=Limits(addresses_per_device=4)))
    for at in range(20):
        watched.feed([syn(f"fd00::{at + 1:x}", "2001:db8::1", at=at)], START + at)
    (row,) = watched.device_rows()
    assert (
        row.addresses == tuple(f"fd00::{at:x}" for at in (17, 18, 19, 20)) == tuple(sorted(row.addresses, key=packed))
    )
