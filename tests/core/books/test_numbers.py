"""The numbers as metrics: names and order of labels as the design has them, and what they count."""

import pytest
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    RESOLVER,
    SHARED,
    START,
    STRANGER,
    TIKTOK,
    VPN_SERVER,
    asks,
    dns,
    exchange,
    gateway,
    hidden,
    packet,
    question_bytes,
    quic,
    record,
    resolves,
    small_index,
    syn,
    tls,
    told,
)

from monitor.core.books.answering import RESPONSE_BOUNDS
from monitor.core.flow.blindness import METHODS, REASONS
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.limits import Limits
from monitor.model import MDNS, PROTOCOL_UDP, Observation, Samples
from monitor.policy.groups import Group


def moved(samples: Samples, family: str) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in samples[family].items() if value}


def numbers(story: list[Observation], settings: Settings | None = None, until: float = 100.0) -> Samples:
    watched = gateway(settings)
    watched.feed(story, START + 1)
    watched.close(START + until)
    return watched.snapshot()


def test_questions_count_by_the_vendor_of_their_name() -> None:
    story = asks(PHONE, "www.tiktok.com") + asks(PHONE, "x.example", port=50001) + asks(PHONE, "x.example", port=50002)
    assert numbers(story)["dns_queries_total"] == {
        ("bytedance", "none", "allowed"): 1.0,
        ("unknown", "none", "allowed"): 2.0,
    }


def test_answers_count_by_what_they_say() -> None:
    story = resolves(PHONE, "x.example", TIKTOK) + told(PHONE, "y.example", [], rcode=3)
    story += told(PHONE, "y.example", [], rcode=2) + told(PHONE, "y.example", [], rcode=12)
    assert numbers(story)["dns_responses_total"] == {
        ("NOERROR",): 1.0,
        ("NXDOMAIN",): 1.0,
        ("SERVFAIL",): 1.0,
        ("other",): 1.0,
    }


def test_multicast_dns_is_no_question_to_a_resolver() -> None:
    carrier = packet(PHONE, "224.0.0.251", (5353, 5353), PROTOCOL_UDP)
    samples = numbers(dns(carrier, question_bytes("tv.local", 1, 0, 0, []), MDNS))
    assert samples["dns_queries_total"] == {}


def timed(watched: Gateway) -> tuple[int, float]:
    histogram = watched.histograms()["dns_response_seconds"]
    return histogram.count, round(histogram.total, 3)


def test_an_answer_is_timed_from_its_question_and_only_once() -> None:
    watched = gateway()
    answer = told(PHONE, "x.example", [record("x.example", 1, TIKTOK)], 0.03)
    watched.feed(asks(PHONE, "x.example") + answer + answer, START + 1)
    assert timed(watched) == (1, 0.03)
    bounds = dict(zip(RESPONSE_BOUNDS, watched.histograms()["dns_response_seconds"].counts, strict=True))
    assert (bounds[0.025], bounds[0.05], bounds[5.0]) == (0, 1, 1)


def test_many_questions_over_one_port_find_their_answers() -> None:
    watched = gateway()
    for number in range(5):
        watched.feed(asks(PHONE, f"n{number}.example", number / 100, number=number), START)
    for number in reversed(range(5)):
        watched.feed(told(PHONE, f"n{number}.example", [], 0.1 + number / 100, number=number), START + 1)
    assert timed(watched) == (5, 0.5)


def test_a_question_that_is_repeated_is_timed_from_its_first_try() -> None:
    watched = gateway()
    watched.feed(
        asks(PHONE, "x.example") + asks(PHONE, "x.example", 1.0) + told(PHONE, "x.example", [], 1.1), START + 2
    )
    assert timed(watched) == (1, 1.1)


def test_questions_without_flows_wait_in_a_table_that_keeps_its_limit() -> None:
    watched = gateway(Settings(flows=CONNTRACK, limits=Limits(queries=64)))
    for number in range(1000):
        watched.feed(asks(PHONE, "x.example", number / 1000, number=number), START + number / 1000)
        assert watched.table_sizes()["queries"] <= 64
    assert watched.evictions()["queries"] >= 900


def test_handshakes_count_by_transport() -> None:
    story = tls(packet(PHONE, TIKTOK, (1, 443)), "www.tiktok.com")
    story += tls(packet(PHONE, TIKTOK, (1, 443)), "www.tiktok.com")
    story += quic(packet(PHONE, TIKTOK, (2, 443), PROTOCOL_UDP), "x.example")
    assert numbers(story)["handshakes_total"] == {
        ("bytedance", "none", "tls"): 1.0,
        ("unknown", "none", "quic"): 1.0,
    }


def test_bytes_and_flows_by_vendor_service_group_direction_and_evidence() -> None:
    samples = numbers(exchange(PHONE, TIKTOK, "www.tiktok.com") * 1)
    assert samples["flow_bytes_total"] == {
        ("bytedance", "tiktok", "none", "up", "sni"): 600.0,
        ("bytedance", "tiktok", "none", "down", "sni"): 5100.0,
    }
    assert samples["flows_total"] == {("bytedance", "tiktok", "none", "sni"): 1.0}
    assert samples["flows_active"] == {(): 0.0}


@pytest.mark.parametrize(
    ("story", "reason", "method"),
    [
        (exchange(PHONE, SHARED, "outer.example", ech=True), "ech", ""),
        (resolves(PHONE, "x.example", SHARED) + exchange(PHONE, SHARED, "outer.example", 1.0, ech=True), "", ""),
        (exchange(PHONE, STRANGER, "x.example"), "", ""),
        (exchange(PHONE, STRANGER, ""), "undecodable", ""),
        ([packet(PHONE, STRANGER, (40000, 443))], "midstream", ""),
        (hidden(packet(PHONE, STRANGER, (40000, 51820), PROTOCOL_UDP), "vpn"), "vpn", "vpn"),
        ([packet(PHONE, VPN_SERVER, (40000, 1194), PROTOCOL_UDP)], "vpn", "vpn"),
        ([packet(PHONE, STRANGER, (0, 0), 50)], "vpn", "vpn"),
        (exchange(PHONE, STRANGER, "dns.example"), "doh", "doh"),
        (resolves(PHONE, "dns.example", STRANGER) + exchange(PHONE, STRANGER, "", 1.0), "doh", "doh"),
        ([syn(PHONE, STRANGER, (40000, 853))], "doh", "dot"),
        ([packet(PHONE, STRANGER, (40000, 853), PROTOCOL_UDP)], "doh", "doq"),
        (asks(PHONE, "x.example", resolver=RESOLVER), "", ""),
        ([packet(PHONE, LAPTOP, (40000, 9999), PROTOCOL_UDP)], "", ""),
        ([packet(PHONE, STRANGER, (0, 0), 1)], "", ""),
    ],
)
def test_blind_bytes_and_ways_round_plain_dns(story: list[Observation], reason: str, method: str) -> None:
    samples = numbers(story)
    assert list(moved(samples, "blind_bytes_total")) == ([("none", reason)] if reason else [])
    assert moved(samples, "bypass_attempts_total") == ({("none", method): 1.0} if method else {})


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (-9.0, -8.0, "undecodable"),
        (-2.0, 0.5, "dropped"),
        (2.0, 3.0, "dropped"),
        (9.0, 10.0, "undecodable"),
    ],
)
def test_what_says_no_name_while_the_capture_loses_frames_was_dropped(since: float, until: float, reason: str) -> None:
    watched = gateway()
    watched.lose(START - 100, START - 90)
    watched.lose(START + since, START + until)
    watched.feed(exchange(PHONE, STRANGER, "") + exchange(PHONE, TIKTOK, "www.tiktok.com"), START + 10)
    watched.close(START + 100)
    assert list(moved(watched.snapshot(), "blind_bytes_total")) == [("none", reason)]


def test_of_many_losses_the_last_are_known() -> None:
    watched = gateway()
    for number in range(1_000):
        watched.lose(START - 20_000 + number * 20, START - 19_999 + number * 20)
    watched.feed(exchange(PHONE, STRANGER, "", -10.0), START + 10)
    watched.lose(START + 12, START + 13)
    watched.feed(exchange(PHONE, STRANGER, "", 13.0), START + 20)
    watched.close(START + 100)
    assert moved(watched.snapshot(), "blind_bytes_total") == {
        ("none", "undecodable"): 5700.0,
        ("none", "dropped"): 5700.0,
    }


def test_blind_bytes_are_all_bytes_of_the_flow() -> None:
    samples = numbers(exchange(PHONE, STRANGER, ""))
    assert moved(samples, "blind_bytes_total") == {("none", "undecodable"): 5700.0}


def test_what_hides_names_is_told_as_nothing_before_it_happens() -> None:
    """Prometheus sees a rise only where it saw the nothing before."""
    watched = gateway(Settings(groups=(Group("phones", ("10.0.0.0/8",)),)))
    samples = watched.snapshot()
    assert samples["blind_bytes_total"] == {(group, reason): 0.0 for group in ("phones", "none") for reason in REASONS}
    assert samples["bypass_attempts_total"].keys() == {(group, way) for group in ("phones", "none") for way in METHODS}
    watched.reload(Settings(groups=(Group("tablets", ()),)), small_index(), START)
    assert ("tablets", "doh") in watched.snapshot()["bypass_attempts_total"]


def test_devices_are_those_of_the_last_hour() -> None:
    watched = gateway()
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com") + exchange(PHONE, SHARED, "www.google.com", 1.0), START + 2)
    watched.feed(exchange(LAPTOP, TIKTOK, "www.tiktok.com", 3000.0, mac=LAPTOP_MAC), START + 3001)
    assert watched.snapshot()["devices"] == {("bytedance", "none"): 2.0, ("google", "none"): 1.0}
    assert watched.snapshot()["group_devices"] == {("none",): 2.0}
    watched.tick(START + 4000)
    assert watched.snapshot()["devices"] == {("bytedance", "none"): 1.0}


def test_destinations_by_network_and_country() -> None:
    settings = Settings(lookup=lambda address: (64500, "DE") if address[0] == 203 else (0, ""))
    samples = numbers(exchange(PHONE, TIKTOK, "") + exchange(PHONE, STRANGER, ""), settings)
    assert samples["destination_bytes_total"] == {
        ("AS64500", "DE", "up"): 600.0,
        ("AS64500", "DE", "down"): 5100.0,
        ("unknown", "unknown", "up"): 600.0,
        ("unknown", "unknown", "down"): 5100.0,
    }


def test_small_destinations_are_other_and_growing_ones_keep_what_was_told_there() -> None:
    settings = Settings(lookup=lambda address: (address[3] + 1, "DE"))
    watched = gateway(settings)
    totals = []
    before: dict[tuple[str, ...], float] = {}
    for at in range(300):
        address = f"203.0.113.{at % 250}"
        watched.feed(
            exchange(PHONE, address, "", at, (at + 1, 443), down=50_000 if at % 250 == 249 else 100), START + at + 1
        )
        after = watched.snapshot()["destination_bytes_total"]
        assert all(after[key] >= value for key, value in before.items())
        before = after
        totals.append(sum(after.values()))
    assert len(before) <= 2 * 101
    assert totals[-1] == sum(watched.snapshot()["flow_bytes_total"].values())


def test_series_beyond_the_budget_are_folded_and_counted() -> None:
    watched = gateway(Settings(limits=Limits(series=12)), None)
    story: list[Observation] = []
    for at, (address, name) in enumerate(
        ((TIKTOK, "www.tiktok.com"), (SHARED, "www.google.com"), (SHARED, "x.alicdn.example"), (STRANGER, "x.example"))
    ):
        story += exchange(PHONE, address, name, at, (at + 1, 443))
    watched.feed(story, START + 9)
    watched.close(START + 99)
    samples = watched.snapshot()
    assert samples["table_entries"][("series",)] <= 12
    assert samples["table_evictions_total"][("series",)] >= 1
    assert sum(samples["flow_bytes_total"].values()) == 4 * 5700
    assert "other" in {key[0] for key in samples["flow_bytes_total"]}


def test_rows_keep_their_limit_and_the_series_keep_what_they_counted() -> None:
    watched = gateway(Settings(limits=Limits(rows=20)))
    for host in range(100):
        mac = bytes((2, 0, 0, 0, 0, host))
        watched.feed(exchange(f"10.0.0.{host}", TIKTOK, "www.tiktok.com", host, mac=mac), START + host + 1)
        assert watched.table_sizes()["rows"] <= 20
    assert watched.evictions()["rows"] >= 80
    assert sum(watched.snapshot()["flow_bytes_total"].values()) == 100 * 5700
