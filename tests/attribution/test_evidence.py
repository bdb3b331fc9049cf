"""The order of evidence, as stories: what was seen, and whose the flow is."""

import pytest
from cast import (
    BYTEDANCE_OWN,
    CLOUD,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    SHARED,
    START,
    STRANGER,
    TIKTOK,
    TYPE_HTTPS,
    answer_to,
    asks,
    exchange,
    gateway,
    http,
    ledger,
    offers_ech,
    packet,
    quic,
    record,
    resolves,
    syn,
    told,
    verdict,
)

from monitor.core.settings import Settings
from monitor.model import PROTOCOL_UDP

BYTEDANCE = ("bytedance", "tiktok")
UNKNOWN = ("unknown", "unknown", "none")


def test_the_name_in_the_hello_goes_before_everything() -> None:
    story = resolves(PHONE, "www.google.com", BYTEDANCE_OWN) + exchange(PHONE, BYTEDANCE_OWN, "v16.tiktokcdn.com", 1.0)
    assert verdict(story, BYTEDANCE_OWN) == (*BYTEDANCE, "sni")


def test_a_quic_hello_is_evidence_of_its_own_kind() -> None:
    story = quic(packet(PHONE, TIKTOK, (40000, 443), PROTOCOL_UDP, length=1250), "www.tiktok.com")
    assert verdict(story, TIKTOK) == (*BYTEDANCE, "quic")


def test_a_host_header_names_a_flow() -> None:
    first = syn(PHONE, TIKTOK, (40000, 80))
    story = [first, answer_to(first, 0.1, 60, 0x12), *http(packet(PHONE, TIKTOK, (40000, 80), at=0.2), "tiktok.com")]
    assert verdict(story, TIKTOK) == (*BYTEDANCE, "http")


def test_an_answer_names_a_flow_without_a_hello() -> None:
    assert verdict(resolves(PHONE, "www.tiktok.com", TIKTOK) + exchange(PHONE, TIKTOK, "", 1.0), TIKTOK) == (
        *BYTEDANCE,
        "dns",
    )


def test_the_newest_answer_that_the_device_got_wins_on_a_shared_address() -> None:
    story = resolves(PHONE, "www.google.com", SHARED) + resolves(PHONE, "www.tiktok.com", SHARED, 1.0)
    assert verdict(story + exchange(PHONE, SHARED, "", 2.0), SHARED) == (*BYTEDANCE, "dns")


def test_a_newer_answer_for_a_name_that_no_list_knows_guards_a_shared_address() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED) + resolves(PHONE, "news.example", SHARED, 1.0)
    assert verdict(story + exchange(PHONE, SHARED, "", 2.0), SHARED) == UNKNOWN


def test_what_this_device_was_told_goes_before_what_others_were_told() -> None:
    story = resolves(PHONE, "www.google.com", SHARED)
    story += resolves(LAPTOP, "www.tiktok.com", SHARED, 1.0, mac=LAPTOP_MAC)
    assert verdict(story + exchange(PHONE, SHARED, "", 2.0), SHARED) == ("google", "search", "dns")


def test_what_others_were_told_is_better_than_nothing() -> None:
    story = resolves(LAPTOP, "www.tiktok.com", SHARED, mac=LAPTOP_MAC)
    assert verdict(story + exchange(PHONE, SHARED, "", 2.0), SHARED) == (*BYTEDANCE, "dns")


def test_an_answer_goes_before_the_prefix() -> None:
    story = resolves(PHONE, "www.google.com", BYTEDANCE_OWN) + exchange(PHONE, BYTEDANCE_OWN, "", 1.0)
    assert verdict(story, BYTEDANCE_OWN) == ("google", "search", "dns")


def test_the_own_prefix_speaks_where_no_name_is_known() -> None:
    assert verdict(exchange(PHONE, BYTEDANCE_OWN, ""), BYTEDANCE_OWN) == ("bytedance", "unknown", "prefix")


def test_the_own_prefix_speaks_for_a_name_that_no_list_knows() -> None:
    assert verdict(exchange(PHONE, BYTEDANCE_OWN, "new.example"), BYTEDANCE_OWN) == ("bytedance", "unknown", "prefix")


def test_a_cloud_prefix_says_only_who_runs_the_network() -> None:
    assert verdict(exchange(PHONE, CLOUD, ""), CLOUD) == ("alibaba", "cloud", "asn")


def test_a_cloud_prefix_does_not_speak_for_a_named_tenant() -> None:
    assert verdict(exchange(PHONE, CLOUD, "shop.example"), CLOUD) == UNKNOWN
    story = resolves(PHONE, "shop.example", CLOUD) + exchange(PHONE, CLOUD, "", 1.0)
    assert verdict(story, CLOUD) == UNKNOWN


def test_the_asn_speaks_last() -> None:
    settings = Settings(lookup=lambda address: (15169, "US"), events=frozenset({"flow"}))
    assert verdict(exchange(PHONE, STRANGER, ""), STRANGER, settings) == ("google", "search", "asn")
    assert verdict(exchange(PHONE, STRANGER, "shop.example"), STRANGER, settings) == UNKNOWN


def test_nothing_known_is_no_evidence() -> None:
    assert verdict(exchange(PHONE, STRANGER, ""), STRANGER) == UNKNOWN


def test_with_ech_the_answer_goes_before_the_outer_name() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED) + exchange(PHONE, SHARED, "www.google.com", 1.0, ech=True)
    assert verdict(story, SHARED) == (*BYTEDANCE, "dns")


def test_with_ech_and_no_answer_the_outer_name_is_all_there_is() -> None:
    assert verdict(exchange(PHONE, SHARED, "www.google.com", ech=True), SHARED) == ("google", "search", "sni")


@pytest.mark.parametrize("name", ["www.tiktok.com", "www.example.org"])
def test_a_name_beside_the_noise_of_browsers_is_the_flows_own(name: str) -> None:
    """RFC 9849 section 6.2: GREASE goes with the true server name."""
    story = resolves(PHONE, "www.google.com", SHARED) + exchange(PHONE, SHARED, name, 2.0, ech_offered=True)
    assert verdict(story, SHARED) == ((*BYTEDANCE, "sni") if name == "www.tiktok.com" else UNKNOWN)


def test_the_public_name_of_an_answer_is_a_front() -> None:
    """RFC 9849 section 4: the outer hello carries the `public_name` of the configuration."""
    story = offers_ech(PHONE, "www.tiktok.com", SHARED, public="front.example")
    story += exchange(PHONE, SHARED, "front.example", 1.0, ech_offered=True)
    assert verdict(story, SHARED) == (*BYTEDANCE, "dns")


def test_a_name_that_reaches_a_vendor_by_cname_counts_for_it_and_says_so() -> None:
    watched = gateway(Settings(events=frozenset({"flow"})))
    story = resolves(PHONE, "cdn.shop.example", SHARED, through="v16.tiktokcdn.com")
    story += exchange(PHONE, SHARED, "", 1.0) + exchange(PHONE, SHARED, "cdn.shop.example", 2.0, (40001, 443))
    watched.feed(story, START + 5)
    labels = [effect.labels for effect in watched.close(START + 60)]
    named = [label for label in labels if label.vendor == "bytedance"]
    assert [(label.evidence, label.entry) for label in named] == [("dns", "tiktokcdn.com (by CNAME)")] * 2


def test_a_cname_to_shared_infrastructure_says_nothing() -> None:
    story = resolves(PHONE, "shop.example", SHARED, through="x.alicdn.example") + exchange(PHONE, SHARED, "", 1.0)
    assert verdict(story, SHARED) == UNKNOWN


def test_the_name_that_was_asked_for_goes_before_its_alias() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED, through="tiktok.google.com") + exchange(PHONE, SHARED, "", 1.0)
    assert verdict(story, SHARED) == (*BYTEDANCE, "dns")


def test_a_record_that_the_question_does_not_lead_to_teaches_nothing() -> None:
    stray = told(PHONE, "shop.example", [record("www.tiktok.com", 1, SHARED)])
    assert verdict(asks(PHONE, "shop.example") + stray + exchange(PHONE, SHARED, "", 1.0), SHARED) == UNKNOWN


@pytest.mark.parametrize("name", ["www.tiktok.com", "_8443._https.www.tiktok.com"])
def test_hints_of_a_service_binding_are_answers(name: str) -> None:
    hinted = told(PHONE, name, [record(name, TYPE_HTTPS, TIKTOK)], kind=TYPE_HTTPS)
    assert verdict(hinted + exchange(PHONE, TIKTOK, "", 1.0), TIKTOK) == (*BYTEDANCE, "dns")


def test_an_answer_is_forgotten_long_after_its_ttl() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED, ttl=60)
    assert verdict(story + exchange(PHONE, SHARED, "", 3000.0), SHARED) == (*BYTEDANCE, "dns")
    assert verdict(story + exchange(PHONE, SHARED, "", 90_000.0), SHARED) == UNKNOWN


def test_a_flow_stays_where_it_is_when_its_device_asks_for_something_else_later() -> None:
    story = resolves(PHONE, "www.tiktok.com", SHARED) + exchange(PHONE, SHARED, "", 1.0)[:4]
    story += resolves(PHONE, "www.google.com", SHARED, 10.0)
    story.append(packet(PHONE, SHARED, (40000, 443), at=20.0, length=9000))
    watched = gateway()
    watched.feed(story, START + 30)
    device = watched.rows()[0].device
    assert ledger(watched)[device, "bytedance", "dns"][0] == 60 + 500 + 9000


def test_names_of_a_flow_that_came_in_are_the_devices_own() -> None:
    """A remote client connects to a server on the LAN: the name does not identify the client."""
    story = exchange(STRANGER, PHONE, "www.tiktok.com", mac=LAPTOP_MAC)
    assert verdict(story, STRANGER) == UNKNOWN


def test_a_nat64_address_is_matched_by_the_address_inside() -> None:
    address = "64:ff9b::4712:304"
    settings = Settings(nat64=("64:ff9b::/96",), events=frozenset({"flow"}))
    assert verdict(exchange("fd00::20", address, ""), address, settings) == ("bytedance", "unknown", "prefix")


def test_the_names_of_an_address_are_kept_newest_first_with_their_sights() -> None:
    watched = gateway()
    story = resolves(PHONE, "www.google.com", SHARED) + resolves(PHONE, "www.tiktok.com", SHARED, 1.0)
    watched.feed(story + resolves(PHONE, "www.google.com", SHARED, 2.0), START + 3)
    claims = watched.names_of(bytes([203, 0, 113, 80]))
    assert [(claim.name, claim.count) for claim in claims] == [(b"www.google.com", 2), (b"www.tiktok.com", 1)]
    assert [round(claim.first - START, 2) for claim in claims] == [0.02, 1.02]
    assert [round(claim.last - START, 2) for claim in claims] == [2.02, 1.02]
