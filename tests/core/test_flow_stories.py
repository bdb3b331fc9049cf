"""Packets to flows: bytes each way, who is who, how flows end, and when bytes are counted."""

import pytest
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    ROUTER,
    ROUTER_MAC,
    START,
    STRANGER,
    TIKTOK,
    answer_to,
    exchange,
    gateway,
    http,
    ledger,
    packed,
    packet,
    quic,
    resolves,
    small_index,
    syn,
    tls,
)

from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.limits import Limits
from monitor.model import (
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    FlowRecord,
    Observation,
    flow_key,
)

PHONE_NAME = PHONE_MAC.hex(":")
SYN_ACK = TCP_SYN | TCP_ACK


def records(story: list[Observation], until: float = 4000.0, settings: Settings | None = None) -> list[FlowRecord]:
    """The flows that a story leaves, in the order in which they end."""
    watched = gateway(settings or Settings(events=frozenset({"flow"})))
    effects = [*watched.feed(story, START), *watched.tick(START + until), *watched.close(START + until)]
    return [effect.about for effect in effects if isinstance(effect.about, FlowRecord)]


def test_a_connection_from_syn_to_fin() -> None:
    (flow,) = records(exchange(PHONE, TIKTOK, "www.tiktok.com"))
    assert flow.key == flow_key(packed(PHONE), packed(TIKTOK), 40000, 443, PROTOCOL_TCP)
    assert (flow.bytes_to_server, flow.bytes_to_client) == (600, 5100)
    assert (flow.packets_to_server, flow.packets_to_client) == (3, 3)
    assert (round(flow.start - START, 1), round(flow.end - START, 1)) == (0.0, 0.4)
    assert (flow.reason, flow.application) == ("fin", "tls")


@pytest.mark.parametrize(
    ("flags", "reason"), [(TCP_RST, "rst"), (TCP_FIN | TCP_ACK, "fin"), (TCP_ACK, "timeout")]
)  # fmt: skip
def test_why_a_connection_ends(flags: int, reason: str) -> None:
    first = syn(PHONE, TIKTOK)
    story = [first, answer_to(first, 0.1, 60, SYN_ACK), packet(PHONE, TIKTOK, (40000, 443), at=0.2, flags=flags)]
    assert [flow.reason for flow in records(story)] == [reason]


def test_a_flow_that_is_cut_by_the_end_of_the_story_says_shutdown() -> None:
    first = syn(PHONE, TIKTOK)
    assert [flow.reason for flow in records([first, answer_to(first, 0.1, 60, SYN_ACK)], 1.0)] == ["shutdown"]


@pytest.mark.parametrize(
    ("story", "application"),
    [
        (tls(packet(PHONE, TIKTOK, (40000, 443)), "x.example"), "tls"),
        (quic(packet(PHONE, TIKTOK, (40000, 443), PROTOCOL_UDP), "x.example"), "quic"),
        (http(packet(PHONE, TIKTOK, (40000, 80)), "x.example"), "http"),
        (resolves(PHONE, "x.example", TIKTOK), "dns"),
        ([packet(PHONE, TIKTOK, (40000, 9999))], "unknown"),
    ],
)
def test_what_a_flow_speaks(story: list[Observation], application: str) -> None:
    assert [flow.application for flow in records(story)] == [application]


@pytest.mark.parametrize(
    ("silence", "flows"),
    [(100.0, 1), (130.0, 2)],
)
def test_datagrams_after_a_long_silence_are_another_flow(silence: float, flows: int) -> None:
    first = packet(PHONE, TIKTOK, (40000, 4433), PROTOCOL_UDP)
    again = packet(PHONE, TIKTOK, (40000, 4433), PROTOCOL_UDP, at=silence)
    assert len(records([first, answer_to(first, 0.1), again])) == flows


def test_ports_that_are_used_again_are_another_flow() -> None:
    story = exchange(PHONE, TIKTOK, "www.tiktok.com") + exchange(PHONE, TIKTOK, "www.google.com", 1.0)
    assert [flow.bytes_to_server for flow in records(story)] == [600, 600]


def test_an_established_connection_survives_an_hour_of_little() -> None:
    first = syn(PHONE, TIKTOK)
    story: list[Observation] = [first, answer_to(first, 0.1, 60, SYN_ACK)]
    story += [packet(PHONE, TIKTOK, (40000, 443), at=at, length=40) for at in range(1000, 10_000, 1000)]
    assert [flow.bytes_to_server for flow in records(story, 20_000.0)] == [60 + 9 * 40]


@pytest.mark.parametrize(
    ("carrier", "client"),
    [
        (packet("8.8.8.8", "9.9.9.9", (50000, 443), flags=TCP_SYN), "8.8.8.8"),
        (packet("8.8.8.8", "9.9.9.9", (443, 50000), flags=SYN_ACK), "9.9.9.9"),
        (packet("8.8.8.8", "9.9.9.9", (53, 53000), PROTOCOL_UDP), "9.9.9.9"),
        (packet("8.8.8.8", "9.9.9.9", (80, 53), PROTOCOL_UDP), "8.8.8.8"),
        (packet("8.8.8.8", "9.9.9.9", (443, 2000)), "9.9.9.9"),
        (packet("8.8.8.8", "9.9.9.9", (5228, 40000)), "9.9.9.9"),
        (packet("8.8.8.8", "9.9.9.9", (40000, 40001)), "8.8.8.8"),
        (packet("8.8.8.8", "9.9.9.9", (0, 0), 1), "8.8.8.8"),
        (packet("10.0.0.1", "10.0.0.2", (443, 40000)), "10.0.0.2"),
    ],
)
def test_who_is_the_client_where_neither_or_both_are_local(carrier: Observation, client: str) -> None:
    (flow,) = records([carrier])
    assert flow.key[:4] == packed(client)


def test_the_sender_of_a_hello_is_the_client_whatever_the_ports_say() -> None:
    back = packet("8.8.8.8", "9.9.9.9", (40001, 443), length=77)
    story: list[Observation] = [back, *tls(packet("9.9.9.9", "8.8.8.8", (443, 40001), at=0.1), "www.tiktok.com")]
    watched = gateway(Settings(events=frozenset({"flow"})))
    watched.feed(story, START)
    (effect,) = watched.close(START + 1)
    assert isinstance(effect.about, FlowRecord)
    assert effect.about.key[:4] == packed("9.9.9.9")
    assert (effect.about.bytes_to_server, effect.about.bytes_to_client) == (100, 77)
    assert effect.labels.vendor == "bytedance"


def test_the_device_is_the_local_end_even_where_it_is_the_server() -> None:
    """Somebody outside fetches 5,000 bytes from a server on the LAN: that is upload."""
    watched = gateway()
    first = packet(STRANGER, LAPTOP, (50000, 22), flags=TCP_SYN, length=60, mac=ROUTER_MAC, to=LAPTOP_MAC)
    watched.feed([first, answer_to(first, 0.1, 5000)], START + 1)
    watched.close(START + 60)
    assert ledger(watched) == {(LAPTOP_MAC.hex(":"), "unknown", "none"): (5000, 60, 1)}


def test_traffic_inside_the_lan_counts_for_who_asked() -> None:
    watched = gateway()
    first = packet(PHONE, LAPTOP, (50000, 445), flags=TCP_SYN, length=60, to=LAPTOP_MAC)
    watched.feed([first, answer_to(first, 0.1, 5000)], START + 1)
    watched.close(START + 60)
    assert ledger(watched) == {(PHONE_NAME, "unknown", "none"): (60, 5000, 1)}


def test_group_traffic_counts_for_its_sender() -> None:
    watched = gateway()
    watched.feed([packet(PHONE, "239.255.255.250", (50000, 1900), PROTOCOL_UDP, length=300)], START)
    watched.close(START + 60)
    assert ledger(watched) == {(PHONE_NAME, "unknown", "none"): (300, 0, 1)}


def test_names_inside_a_tunnel_count_but_its_bytes_count_once() -> None:
    outer = packet(PHONE, STRANGER, (0, 0), 47, length=600)
    inner = packet(PHONE, TIKTOK, (40000, 443), length=500, depth=1)
    outer.share -= inner.share
    watched = gateway(Settings(events=frozenset({"tls"})))
    (effect,) = watched.feed([outer, inner, *tls(inner, "www.tiktok.com")[1:]], START)
    watched.close(START + 60)
    assert effect.labels.vendor == "bytedance"
    assert watched.snapshot()["handshakes_total"] == {("bytedance", "none", "tls"): 1.0}
    assert ledger(watched) == {
        (PHONE_NAME, "bytedance", "sni"): (500, 0, 1),
        (PHONE_NAME, "unknown", "none"): (100, 0, 1),
    }


def counted(watched: Gateway) -> float:
    return sum(watched.snapshot()["flow_bytes_total"].values())


def test_bytes_wait_for_the_hello_and_are_then_counted_under_its_name() -> None:
    story = exchange(PHONE, TIKTOK, "www.tiktok.com")
    watched = gateway()
    watched.feed(story[:2], START + 0.05)
    assert (counted(watched), watched.pending_bytes()) == (0, 120)
    watched.feed(story[2:4], START + 0.1)
    assert (counted(watched), watched.pending_bytes()) == (620, 0)
    assert set(watched.snapshot()["flow_bytes_total"]) == {
        ("bytedance", "tiktok", "none", direction, "sni") for direction in ("up", "down")
    }


def test_bytes_do_not_wait_longer_than_the_deadline() -> None:
    watched = gateway()
    first = syn(PHONE, TIKTOK)
    watched.feed([first, answer_to(first, 0.1, 60, SYN_ACK)], START + 0.1)
    watched.tick(START + 2)
    assert (counted(watched), watched.pending_bytes()) == (0, 120)
    watched.tick(START + 4)
    assert (counted(watched), watched.pending_bytes()) == (120, 0)


def test_a_late_hello_speaks_for_the_bytes_that_come_later() -> None:
    watched = gateway()
    first = syn(PHONE, TIKTOK)
    watched.feed([first, answer_to(first, 0.1, 60, SYN_ACK)], START + 0.1)
    watched.tick(START + 10)
    watched.feed(tls(packet(PHONE, TIKTOK, (40000, 443), at=11, length=500), "www.tiktok.com"), START + 11)
    assert ledger(watched) == {
        (PHONE_NAME, "unknown", "none"): (60, 60, 1),
        (PHONE_NAME, "bytedance", "sni"): (500, 0, 0),
    }


def test_a_live_flow_is_counted_while_it_lives() -> None:
    watched = gateway()
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com")[:4], START + 1)
    for at in range(2, 6):
        watched.feed([packet(PHONE, TIKTOK, (40000, 443), at=at, length=1000)], START + at)
        assert ledger(watched)[PHONE_NAME, "bytedance", "sni"][0] == 560 + 1000 * (at - 1)


def test_the_flow_table_keeps_its_limit_and_gives_up_the_half_open_first() -> None:
    settings = Settings(events=frozenset({"flow"}), limits=Limits(flows=100))
    watched = gateway(settings)
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com")[:4], START + 1)
    ended = []
    for at in range(2000):
        ended += watched.feed([syn(LAPTOP, STRANGER, (at + 1, 443), 2 + at / 1000, LAPTOP_MAC)], START + 2 + at / 1000)
        assert watched.table_sizes()["flows"] <= 100
    assert {effect.about.reason for effect in ended if isinstance(effect.about, FlowRecord)} == {"evicted"}
    assert watched.evictions()["flows"] == len(ended) >= 1900
    assert [row.vendor for row in watched.active_flows(1)] == ["bytedance"]


def test_what_flows_now_is_shown_with_its_name() -> None:
    watched = gateway()
    watched.feed(resolves(PHONE, "www.google.com", TIKTOK) + exchange(PHONE, TIKTOK, "", 1.0)[:3], START + 2)
    (row,) = [row for row in watched.active_flows() if row.server_port == 443]
    assert (row.client, row.server, row.name, row.evidence) == (PHONE, TIKTOK, "www.google.com", "dns")
    assert (row.bytes_up, row.bytes_down) == (560, 60)


def test_a_leap_in_time_ends_everything_that_is_over() -> None:
    watched = gateway(Settings(events=frozenset({"flow"})))
    watched.feed(exchange(PHONE, TIKTOK, "")[:4], START)
    assert len(watched.tick(START + 10_000_000)) == 1
    watched.feed([syn(PHONE, TIKTOK, (1, 443), 10_000_001.0)], START + 10_000_001)
    assert watched.table_sizes()["flows"] == 1
    assert watched.next_wakeup() == START + 10_000_002


def test_a_capture_that_starts_long_before_the_clock_of_the_machine() -> None:
    """The clock is the observations' own: what the constructor was told does not matter."""
    watched = Gateway(Settings(events=frozenset({"flow"})), small_index(), START + 1e8)
    ended = watched.feed([syn(PHONE, TIKTOK), syn(PHONE, ROUTER, (1, 2), 100.0)], START + 100)
    assert len(ended) == 1


@pytest.mark.parametrize("vlans", [(10, 20), (10, 0), (0, 20)])
@pytest.mark.parametrize("first", ["client", "server"])
def test_each_direction_may_be_on_a_vlan_of_its_own(vlans: tuple[int, int], first: str) -> None:
    """A mirror port gives both directions of a routed link, each with the tag of its own side."""
    story: list[Observation] = []
    for at in (0.0, 1.0, 2.0):
        sent = packet(PHONE, TIKTOK, (40000, 443), at=at, length=100)
        returned = answer_to(sent, at + 0.1, 1000)
        sent.vlan, returned.vlan = vlans
        story += [sent, returned] if first == "client" else [returned, sent]
    (flow,) = records(story)
    assert flow.key == flow_key(packed(PHONE), packed(TIKTOK), 40000, 443, PROTOCOL_TCP)
    assert (flow.bytes_to_server, flow.bytes_to_client) == (300, 3000)


def test_the_same_packets_on_two_vlans_stay_two_flows() -> None:
    """A trunk shows routed packets on both of its VLANs."""
    story: list[Observation] = []
    for at in (0.0, 1.0):
        for vlans in ((10, 20), (20, 10)):
            sent = packet(PHONE, TIKTOK, (40000, 443), at=at, length=100)
            story.append(sent)
            sent.vlan = vlans[0]
        for vlan in (20, 10):
            returned = answer_to(packet(PHONE, TIKTOK, (40000, 443)), at + 0.1, 1000)
            returned.vlan = vlan
            story.append(returned)
    assert [(flow.bytes_to_server, flow.bytes_to_client) for flow in records(story)] == [(200, 2000)] * 2
