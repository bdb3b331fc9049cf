"""Conntrack's counters to flows, and the hellos and answers that are tied to them."""

from dataclasses import replace

from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    ROUTER,
    START,
    STRANGER,
    TIKTOK,
    answer_to,
    connection,
    exchange,
    gateway,
    ledger,
    packed,
    packet,
    resolves,
    tls,
)

from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.limits import Limits
from monitor.model import (
    FLOW_END,
    FLOW_NEW,
    FLOW_UPDATE,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    FlowCount,
    FlowRecord,
    Observation,
    Packet,
    flow_key,
    reverse_key,
)

PHONE_NAME = PHONE_MAC.hex(":")
SETTINGS = Settings(flows=CONNTRACK, events=frozenset({"flow"}))


def watch(*stories: list[Observation]) -> Gateway:
    watched = gateway(SETTINGS)
    for story in stories:
        watched.feed(story, START + 100.0)
    return watched


def test_queries_of_the_gateway_itself_count_for_no_device_whatever_address_they_have() -> None:
    watched = gateway(SETTINGS)
    watched.set_enforcement(replace(watched.enforcement, own_port=20_000))
    own, theirs = [
        connection(FLOW_NEW, 60, 90, 0.0, PHONE, ROUTER, (port, 53), PROTOCOL_UDP, number)
        for number, port in ((1, 20_000), (2, 20_001))
    ]
    watched.feed([own, theirs], START + 1)
    watched.close(START + 60)
    assert sum(flows for _, _, flows in ledger(watched).values()) == 1


def test_counters_are_absolute_and_counted_as_they_grow() -> None:
    watched = gateway(SETTINGS)
    hello = packet(PHONE, TIKTOK, (40000, 443), at=0.5)
    watched.feed(
        [connection(FLOW_NEW, 60, 0), *tls(hello, "www.tiktok.com"), connection(FLOW_UPDATE, 500, 800, 1.0)], START + 1
    )
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "sni"): (500, 800, 1)}
    watched.feed([connection(FLOW_UPDATE, 900, 4000, 5.0)], START + 5)
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "sni"): (900, 4000, 1)}
    (end,) = watched.feed([connection(FLOW_END, 950, 4100, 6.0)], START + 6)
    assert isinstance(end.about, FlowRecord)
    assert (end.about.bytes_to_server, end.about.bytes_to_client, end.about.application) == (950, 4100, "tls")
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "sni"): (950, 4100, 1)}


def test_a_hello_may_come_before_conntrack_speaks() -> None:
    hello = tls(packet(PHONE, TIKTOK, (40000, 443)), "www.tiktok.com")
    assert ledger(watch([*hello, connection(FLOW_NEW, 600, 900, 0.1)])) == {
        (PHONE_NAME, "bytedance", "sni"): (600, 900, 1)
    }


def test_packets_are_not_counted_where_conntrack_counts() -> None:
    assert ledger(watch([packet(PHONE, TIKTOK, (40000, 443)), connection(FLOW_NEW, 600, 900, 0.1)])) == {
        (PHONE, "unknown", "none"): (600, 900, 1)
    }


def test_an_answer_names_a_connection() -> None:
    watched = watch(resolves(PHONE, "www.tiktok.com", TIKTOK), [connection(FLOW_NEW, 600, 900, 1.0)])
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "dns"): (600, 900, 1)}


def test_behind_masquerading_the_original_direction_has_the_client() -> None:
    translated = flow_key(packed(TIKTOK), packed("198.51.100.200"), 443, 61000, PROTOCOL_TCP)
    count = connection(FLOW_NEW, 600, 900, translated=translated)
    hello = tls(packet(PHONE, TIKTOK, (40000, 443), at=0.1), "www.tiktok.com")
    assert ledger(watch([count, *hello, connection(FLOW_END, 600, 900, 1.0, translated=translated)])) == {
        (PHONE_NAME, "bytedance", "sni"): (600, 900, 1)
    }


def test_of_a_forwarded_port_the_reply_direction_has_the_device() -> None:
    """A stranger asks the gateway's own address, and is sent on to a server on the LAN."""
    key = flow_key(packed(STRANGER), packed("198.51.100.200"), 50000, 8022, PROTOCOL_TCP)
    count = FlowCount(START, FLOW_NEW, 9, key, flow_key(packed(LAPTOP), packed(STRANGER), 22, 50000, PROTOCOL_TCP))
    count.bytes_sent, count.bytes_reply = 100, 7000
    watched = watch([count])
    watched.feed([answer_to(packet(STRANGER, LAPTOP, (50000, 22), mac=LAPTOP_MAC))], START + 100)
    (row,) = watched.rows()
    assert (row.device, row.bytes_up, row.bytes_down) == (LAPTOP, 7000, 100)


def test_a_connection_that_is_taken_up_in_its_middle_still_has_its_client() -> None:
    """Its entry was deleted, and the server's packet came first."""
    key = flow_key(packed(TIKTOK), packed(PHONE), 443, 40000, PROTOCOL_UDP)
    count = FlowCount(START + 1, FLOW_NEW, 9, key, reverse_key(key))
    count.bytes_sent, count.bytes_reply = 7000, 100
    watched = watch(resolves(PHONE, "www.tiktok.com", TIKTOK), [count])
    assert ledger(watched)[PHONE_NAME, "bytedance", "dns"] == (100, 7000, 1)


def test_what_is_older_than_the_daemon_counts_from_its_start_and_is_midstream() -> None:
    watched = gateway(SETTINGS)
    watched.feed([connection(FLOW_UPDATE, 5_000_000, 9_000_000, 0.5)], START + 1)
    watched.feed([connection(FLOW_UPDATE, 5_000_100, 9_000_900, 10.0)], START + 10)
    watched.tick(START + 20)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (100, 900, 1)}
    blind = {labels: value for labels, value in watched.snapshot()["blind_bytes_total"].items() if value}
    assert blind == {("none", "midstream"): 1000.0}


def test_what_says_hello_in_the_daemons_first_moments_is_no_older_than_it() -> None:
    """A listing may show a connection before the word of its beginning is read."""
    watched = gateway(SETTINGS)
    hello = tls(packet(PHONE, TIKTOK, (40000, 443), at=0.4), "")
    watched.feed([connection(FLOW_UPDATE, 60, 60, 0.5), *hello], START + 1)
    watched.feed([connection(FLOW_UPDATE, 160, 960, 10.0)], START + 10)
    watched.tick(START + 20)
    blind = {labels: value for labels, value in watched.snapshot()["blind_bytes_total"].items() if value}
    assert blind == {("none", "undecodable"): 1000.0}


def test_what_ends_soon_after_the_start_began_before_it() -> None:
    watched = watch([connection(FLOW_END, 5_000_000, 9_000_000, 0.5)])
    assert ledger(watched) == {(PHONE, "unknown", "none"): (0, 0, 1)}


def test_a_connection_whose_beginning_was_missed_later_counts_as_a_whole() -> None:
    watched = gateway(SETTINGS)
    watched.tick(START + 1)
    watched.feed([connection(FLOW_END, 600, 900, 300.0)], START + 300)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (600, 900, 1)}


def test_ports_that_conntrack_uses_again_are_another_flow() -> None:
    watched = gateway(SETTINGS)
    watched.feed([connection(FLOW_NEW, 600, 900), connection(FLOW_NEW, 60, 0, 9.0, number=8)], START + 9)
    watched.feed([connection(FLOW_END, 70, 10, 10.0, number=8)], START + 10)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (670, 910, 2)}


def test_a_dump_that_waited_while_the_connection_ended_does_not_count_it_again() -> None:
    watched = gateway(SETTINGS)
    watched.tick(START + 1)
    story = [
        connection(FLOW_NEW, 60, 0, 100.0),
        connection(FLOW_END, 600, 900, 101.0),
        connection(FLOW_UPDATE, 600, 900, 101.1),
    ]
    (event,) = watched.feed(story, START + 102)
    assert isinstance(event.about, FlowRecord)
    assert watched.close(START + 110) == []
    assert ledger(watched) == {(PHONE, "unknown", "none"): (600, 900, 1)}


def test_the_number_of_an_ended_connection_may_come_again() -> None:
    watched = gateway(SETTINGS)
    first = [connection(FLOW_NEW, 60, 0), connection(FLOW_END, 600, 900, 1.0)]
    second = [connection(FLOW_NEW, 60, 0, 50.0), connection(FLOW_UPDATE, 100, 200, 51.0)]
    watched.feed([*first, *second], START + 60)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (700, 1100, 2)}


def test_counters_that_come_out_of_order_never_take_bytes_back() -> None:
    watched = gateway(SETTINGS)
    watched.feed([connection(FLOW_NEW, 600, 900), connection(FLOW_UPDATE, 500, 950, 5.0)], START + 5)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (600, 950, 1)}


def test_dumps_keep_an_idle_connection_alive() -> None:
    watched = gateway(SETTINGS)
    for minute in range(0, 300, 5):
        watched.feed([connection(FLOW_UPDATE if minute else FLOW_NEW, 600, 900, minute * 60.0)], START + minute * 60)
    assert ledger(watched) == {(PHONE, "unknown", "none"): (600, 900, 1)}
    assert watched.table_sizes()["flows"] == 1


def test_a_connection_that_conntrack_never_mentions_again_is_over() -> None:
    watched = gateway(SETTINGS)
    watched.feed([connection(FLOW_NEW, 600, 900)], START)
    assert watched.tick(START + 800) == []
    assert len(watched.tick(START + 1000)) == 1


def test_a_name_in_a_resolvers_answer_is_timed_without_flows() -> None:
    watched = watch(resolves(PHONE, "www.tiktok.com", TIKTOK))
    histogram = watched.histograms()["dns_response_seconds"]
    assert (histogram.count, round(histogram.total, 3)) == (1, 0.02)


def as_conntrack(story: list[Observation]) -> list[Observation]:
    """What conntrack would have told of the packets of a story, after each of them; the rest stays as it is."""
    counts: dict[bytes, FlowCount] = {}
    told: list[Observation] = []
    for seen in story:
        if not isinstance(seen, Packet):
            told.append(seen)
            continue
        key = seen.key if seen.key in counts or reverse_key(seen.key) not in counts else reverse_key(seen.key)
        before = counts.get(key)
        count = FlowCount(seen.time, FLOW_UPDATE if before else FLOW_NEW, len(counts), key, reverse_key(key))
        if before is not None:
            count.id = before.id
            count.bytes_sent, count.bytes_reply = before.bytes_sent, before.bytes_reply
            count.packets_sent, count.packets_reply = before.packets_sent, before.packets_reply
        else:
            count.id = len(counts) + 1
        if key == seen.key:
            count.bytes_sent += seen.length
            count.packets_sent += 1
        else:
            count.bytes_reply += seen.length
            count.packets_reply += 1
        counts[key] = count
        told.append(count)
    return told


def test_conntrack_and_packets_give_the_same_rows() -> None:
    story = resolves(PHONE, "www.tiktok.com", TIKTOK) + exchange(PHONE, TIKTOK, "www.tiktok.com", 1.0)
    story += exchange(LAPTOP, STRANGER, "x.example", 2.0, mac=LAPTOP_MAC) + exchange(
        PHONE, TIKTOK, "", 3.0, (40001, 443)
    )
    story += [packet(PHONE, ROUTER, (0, 0), 1, at=4.0)]
    sights: list[Observation] = [seen for seen in story if not isinstance(seen, Packet)]
    rows = []
    for settings, told in ((Settings(), story), (SETTINGS, as_conntrack(story))):
        watched = gateway(settings)
        watched.feed(told, START + 10)
        watched.close(START + 100)
        rows.append(
            sorted((r.vendor, r.evidence, r.bytes_up, r.bytes_down, r.flows, r.first, r.last) for r in watched.rows())
        )
    assert sights
    assert rows[0] == rows[1]


def test_a_full_table_keeps_what_it_counts_when_conntrack_lists_others() -> None:
    watched = gateway(replace(SETTINGS, limits=Limits(flows=1)))
    hello = packet(PHONE, TIKTOK, (40000, 443), at=0.5)
    watched.feed([connection(FLOW_NEW, 60, 0), *tls(hello, "www.tiktok.com")], START + 1)
    others = [connection(FLOW_UPDATE, 900, 900, 2.0, ports=(port, 443), number=port) for port in range(50000, 50020)]
    watched.feed([*others, connection(FLOW_UPDATE, 700, 4000, 3.0)], START + 3)
    assert ledger(watched) == {(PHONE_NAME, "bytedance", "sni"): (700, 4000, 1)}
    assert watched.evictions()["flows"] == 0
