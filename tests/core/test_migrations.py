"""QUIC connections that go on from another port of their device: what names them, for how long, and what it may do."""

import pytest
from banned_world import PHONES, ban, kills, policy, told
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    PHONE_V6,
    SHARED,
    START,
    STRANGER,
    answer_to,
    connection,
    gateway,
    packet,
    quic,
    resolves,
    tls,
    verdict,
)

from monitor.core.settings import CONNTRACK, Settings
from monitor.limits import Limits
from monitor.model import FLOW_END, FLOW_NEW, PROTOCOL_UDP, ClientHello, Observation, Packet

MIGRATED = ("bytedance", "tiktok", "migrated")
UNKNOWN = ("unknown", "unknown", "none")
SERVER_V6 = "2001:db8::80"


def datagrams(
    at: float, port: int, source: str = PHONE, server: str = SHARED, mac: bytes = PHONE_MAC, to: int = 443
) -> list[Packet]:
    """One datagram each way."""
    first = packet(source, server, (port, to), PROTOCOL_UDP, at=at, length=1228, mac=mac)
    return [first, answer_to(first, at + 0.05, 5000)]


def named(
    at: float = 0.0, name: str = "www.tiktok.com", source: str = PHONE, server: str = SHARED
) -> list[Observation]:
    """A QUIC connection whose hello was read."""
    first, back = datagrams(at, 50001, source, server)
    first.opening = True
    return [*quic(first, name), back]


@pytest.mark.parametrize(("source", "server"), [(PHONE, SHARED), (PHONE_V6, SERVER_V6)])
@pytest.mark.parametrize("gap", [0.0, 1.0, 59.0])
def test_a_flow_from_another_port_goes_by_the_name_of_the_connection(source: str, server: str, gap: float) -> None:
    story = named(source=source, server=server) + datagrams(0.05 + gap, 50002, source, server)
    assert verdict(story, server) == MIGRATED


def test_the_device_may_have_another_address_by_then() -> None:
    story = named(source=PHONE_V6, server=SERVER_V6) + datagrams(5, 50001, "fd00::99", SERVER_V6)
    assert verdict(story, SERVER_V6) == MIGRATED


@pytest.mark.parametrize("port", [443, 53000])
def test_a_packet_of_the_server_may_be_the_first_one(port: int) -> None:
    first, back = datagrams(5, 50002, server=SHARED)
    assert verdict([*named(), back, first], SHARED) == MIGRATED


def test_a_minute_after_the_last_packet_of_the_named_flow_nothing_is_inherited() -> None:
    kept_alive = named() + datagrams(50, 50001)
    assert verdict(kept_alive + datagrams(109, 50002), SHARED) == MIGRATED
    assert verdict(kept_alive + datagrams(112, 50002), SHARED) == UNKNOWN


def test_a_flow_that_inherited_its_name_hands_it_on_to_no_other_one() -> None:
    story = named() + datagrams(50, 50002) + datagrams(105, 50003)
    assert verdict(story, SHARED) == UNKNOWN


@pytest.mark.parametrize(
    "other",
    [
        datagrams(5, 50002, LAPTOP, mac=LAPTOP_MAC),
        datagrams(5, 50002, server=STRANGER),
        datagrams(5, 50002, to=4433),
    ],
    ids=["another device", "another server", "another port of the server"],
)
def test_only_the_same_device_and_server_inherit(other: list[Packet]) -> None:
    story = named() + other
    key = other[0].key
    assert verdict(story, STRANGER if key[4:8] == bytes((198, 51, 100, 7)) else SHARED) == UNKNOWN


def test_what_begins_with_a_long_header_is_a_connection_of_its_own() -> None:
    """RFC 9000 section 9: nobody migrates before the handshake is confirmed."""
    first, back = datagrams(5, 50002)
    first.opening = True
    assert verdict([*named(), first, back], SHARED) == UNKNOWN


def test_a_connection_over_tcp_names_no_datagrams_and_inherits_nothing() -> None:
    carrier = packet(PHONE, SHARED, (50001, 443), at=0.0)
    assert verdict(tls(carrier, "www.tiktok.com") + datagrams(5, 50002), SHARED) == UNKNOWN
    assert verdict([*named(), packet(PHONE, SHARED, (50002, 443), at=5)], SHARED) == UNKNOWN


def test_the_newest_name_is_inherited_and_an_own_hello_goes_before_it() -> None:
    later, back = datagrams(2, 50003)
    story = [*named(), *quic(later, "www.google.com"), back, *datagrams(5, 50002)]
    assert verdict(story, SHARED) == ("google", "search", "migrated")
    own, _ = datagrams(6, 50002)
    assert verdict(story + quic(own, "www.tiktok.com"), SHARED) == ("bytedance", "tiktok", "quic")


def test_the_outer_name_of_ech_is_not_inherited() -> None:
    first, back = datagrams(0, 50001)
    hello = ClientHello(first, 1)
    hello.sni, hello.ech, hello.ech_offered = b"www.tiktok.com", True, True
    assert verdict([first, hello, back, *datagrams(5, 50002)], SHARED) == UNKNOWN


def test_an_answer_for_the_same_vendor_is_the_stronger_evidence_and_one_for_another_is_not() -> None:
    same = resolves(PHONE, "www.tiktok.com", SHARED, -1.0)
    assert verdict([*same, *named(), *datagrams(5, 50002)], SHARED) == ("bytedance", "tiktok", "dns")
    other = resolves(PHONE, "www.google.com", SHARED, -1.0)
    assert verdict([*other, *named(), *datagrams(5, 50002)], SHARED) == MIGRATED


def test_an_inherited_name_that_no_list_knows_keeps_answers_from_accusing() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED, -1.0) + named(name="www.school.example") + datagrams(5, 50002)
    assert verdict(story, SHARED) == UNKNOWN
    watched = gateway()
    watched.feed(story, START + 100)
    assert not any(watched.snapshot()["blind_bytes_total"].values())


def test_conntracks_flows_inherit_too() -> None:
    watched = gateway(Settings(flows=CONNTRACK))
    first = packet(PHONE, SHARED, (50001, 443), PROTOCOL_UDP)
    watched.feed(quic(first, "www.tiktok.com"), START + 1)
    watched.feed([connection(0, 900, 5000, 5, PHONE, SHARED, (50002, 443), PROTOCOL_UDP)], START + 9)
    rows = {(row.vendor, row.evidence): row.bytes_down for row in watched.rows()}
    assert rows["bytedance", "migrated"] == 5000


def test_a_connection_that_conntrack_forgot_keeps_what_its_hello_said_and_is_cut() -> None:
    """Conntrack forgets a connection that a ban has cut. It goes on where the ban ends, and sends no hello again."""
    watched = gateway(Settings(flows=CONNTRACK, groups=(PHONES,)))
    watched.feed(quic(packet(PHONE, SHARED, (50001, 443), PROTOCOL_UDP), "www.tiktok.com"), START + 1)
    for at, number, state in ((2, 7, FLOW_NEW), (3, 7, FLOW_END), (9, 8, FLOW_NEW)):
        count = connection(state, 900, 5000, at, PHONE, SHARED, (50001, 443), PROTOCOL_UDP, number)
        watched.feed([count], START + at)
    watched.tick(START + 20)
    rows = {(row.vendor, row.evidence): row.bytes_down for row in watched.rows()}
    assert rows == {("bytedance", "quic"): 10_000}
    assert len(kills(watched.govern(policy(ban()), START + 21))) == 1


@pytest.mark.parametrize(("opening", "named_bytes"), [(True, 5_000), (False, 10_000)])
def test_a_new_connection_between_used_ports_inherits_nothing(opening: bool, named_bytes: int) -> None:
    watched = gateway(Settings(limits=Limits(flows=4)))
    watched.feed(named(), START + 1)
    for number in range(8):  # the table has no place left for the first flow
        watched.feed(datagrams(2, 50100 + number, server=STRANGER), START + 3)
    first, back = datagrams(5, 50001)
    first.opening = opening
    watched.feed([first, back], START + 6)
    watched.tick(START + 20)
    rows = {(row.vendor, row.service, row.evidence): row.bytes_down for row in watched.rows()}
    assert rows["bytedance", "tiktok", "quic"] == named_bytes
    assert sum(rows.values()) == 50_000


def test_an_inherited_name_cuts_nothing_and_counts_as_a_leak() -> None:
    """The hello came before the ban: the named flow is cut, the one that inherits goes on and is counted."""
    watched = gateway(Settings(groups=(PHONES,)))
    watched.feed([*named(), *datagrams(5, 50002)], START + 9)
    cut = kills(watched.govern(policy(ban()), START + 10))
    watched.feed([*datagrams(11, 50002)], START + 12)
    assert [kill.key[8:10] for kill in cut] == [(50001).to_bytes(2, "big")]
    assert told(watched, "leaked_bytes_total", 20)["bytedance", "", "phones", "down", "migrated"] == 5000


def test_named_connections_are_no_more_than_their_limit() -> None:
    watched = gateway(Settings(limits=Limits(migrations=2)))
    for number in range(5):
        watched.feed(named(number, server=f"198.51.100.{number + 10}"), START + number)
    assert watched.table_sizes()["migrations"] == 2
    assert watched.evictions()["migrations"] == 3
    watched.tick(START + 300)
    assert watched.table_sizes()["migrations"] == 0
