"""Stories of names and addresses with several owners: a list of the user's own adds one and takes none away."""

import pytest
from banned_world import PHONES, ban, hello, kills, policy, rulings, told
from cast import BYTEDANCE_OWN, PHONE, PHONE_MAC, SHARED, START, gateway, neighbour, packed, resolves

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner
from monitor.catalog.index import Index
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.policy.ban import ENFORCE, IP, SHADOW, Ban, Exemption

TIKTOK = Owner("bytedance", "tiktok", "bytedance")
ADS = Owner("bytedance", "ads", "bytedance", also=("tiktok",))
BYTEDANCE = Owner("bytedance", "unknown", "bytedance")
GOOGLE = Owner("google", "search", "google")
BLOCKED = Owner("blocked", "unknown", "pihole-1", user=True)
TRACKERS = Owner("trackers", "unknown", "trackers", category=True, user=True)


def index() -> Index:
    builder = IndexBuilder()
    for name, owner in (
        ("tiktok.com", BLOCKED), ("tracker.example", BLOCKED), ("metrics.shop.example", BLOCKED),
        ("google.com", TRACKERS), ("tiktok.com", TIKTOK), ("analytics.tiktok.com", ADS), ("google.com", GOOGLE),
    ):  # fmt: skip
        builder.add_name(name.encode(), False, builder.number_of(owner))
    builder.add_prefix(packed("71.18.0.0"), 16, builder.number_of(BLOCKED))
    builder.add_prefix(packed("71.18.0.0"), 17, builder.number_of(BYTEDANCE))
    return Index.load(builder.build())


def governed(*bans: Ban, exemptions: tuple[Exemption, ...] = (), flows: str = "packets") -> Gateway:
    settings = Settings(groups=(PHONES,), flows=flows, events=frozenset({"verdict", "flow"}))
    watched = gateway(settings, index())
    watched.govern(policy(*bans, exemptions=exemptions), START)
    watched.feed([neighbour(PHONE, PHONE_MAC)], START)
    return watched


def decided(watched: Gateway, name: str) -> str:
    """The ban that the sinkhole answers the phone's question by."""
    verdict = watched.answer_policy(packed(PHONE), name.encode(), START + 1).verdict
    return f"{verdict.action} {verdict.ban.id}" if verdict is not None else ""


@pytest.mark.parametrize("mode", ["", "observe", SHADOW])
def test_a_list_takes_no_name_out_of_an_enforced_ban(mode: str) -> None:
    watched = governed(*([ban("blocked", mode)] if mode else []), ban())
    effects = watched.feed(hello("www.tiktok.com"), START + 1)
    assert (len(kills(effects)), rulings(effects)) == (1, [("block", "sni", "bytedance-test")])
    assert decided(watched, "www.tiktok.com") == "block bytedance-test"
    assert told(watched, "killed_flows_total") == {("bytedance", "", "phones"): 1}


def test_a_ban_of_the_list_covers_the_vendors_name_and_counts_as_the_lists() -> None:
    watched = governed(ban("blocked"), ban(mode=SHADOW))
    assert len(kills(watched.feed(hello("www.tiktok.com"), START + 1))) == 1
    assert decided(watched, "www.tiktok.com") == "block blocked-test"
    assert told(watched, "killed_flows_total") == {("blocked", "", "phones"): 1}
    assert told(watched, "handshakes_total") == {("bytedance", "phones", "tls"): 1}


def test_a_list_that_feeds_a_category_leaves_the_vendor() -> None:
    watched = governed(ban("category:trackers", SHADOW), ban("google"))
    assert len(kills(watched.feed(hello("www.google.com"), START + 1))) == 1
    assert decided(watched, "www.google.com") == "block google-test"


def test_what_the_list_alone_names_is_the_lists() -> None:
    watched = governed(ban("blocked", SHADOW), ban())
    effects = watched.feed(hello("www.tracker.example"), START + 1)
    assert (kills(effects), rulings(effects)) == ([], [("shadow", "sni", "blocked-test")])
    assert told(watched, "shadow_blocked_total") == {("blocked", "", "phones", "sni"): 1}
    assert told(watched, "handshakes_total") == {("blocked", "phones", "tls"): 1}


def test_a_name_of_a_list_does_not_hide_the_vendors_own_address() -> None:
    """Without the list nothing would name the flow, and the vendor's own prefix would speak."""
    watched = governed(ban())
    effects = watched.feed(hello("www.tracker.example", to=BYTEDANCE_OWN), START + 1)
    assert (len(kills(effects)), rulings(effects)) == (1, [("block", "sni", "bytedance-test")])
    names_only = governed(ban(layers=frozenset({"dns", "sni"})))
    assert kills(names_only.feed(hello("www.tracker.example", to=BYTEDANCE_OWN), START + 1)) == []


def test_a_name_of_a_list_does_not_hide_the_vendor_behind_its_chain() -> None:
    watched = governed(ban())
    watched.feed(resolves(PHONE, "metrics.shop.example", SHARED, through="www.tiktok.com"), START + 1)
    effects = watched.feed(hello(""), START + 2)
    assert (len(kills(effects)), rulings(effects)) == (1, [("block", "sni", "bytedance-test")])


def test_an_exception_for_the_vendor_leaves_the_ban_of_the_list() -> None:
    exemption = Exemption(packed(PHONE), vendor="bytedance")
    assert decided(governed(ban("blocked"), ban(), exemptions=(exemption,)), "www.tiktok.com") == "block blocked-test"
    assert decided(governed(ban(), exemptions=(exemption,)), "www.tiktok.com") == ""


def test_what_one_ban_allows_the_ban_of_the_list_still_bans() -> None:
    press = ban(allow=(b"newsroom.tiktok.com",))
    assert decided(governed(press), "newsroom.tiktok.com") == ""
    assert decided(governed(press, ban("blocked")), "newsroom.tiktok.com") == "block blocked-test"


def test_a_prefix_of_a_list_leaves_the_flow_to_the_vendor() -> None:
    watched = governed(ban("bytedance", ENFORCE, layers=frozenset({IP})))
    watched.feed(hello("", to=BYTEDANCE_OWN), START + 1)
    assert {labels[0] for labels in told(watched, "flow_bytes_total")} == {"bytedance"}
    outside = governed(ban("blocked", ENFORCE))
    assert len(kills(outside.feed(hello("", to="71.18.200.1"), START + 1))) == 1
    assert len(kills(outside.feed(hello("", to=BYTEDANCE_OWN), START + 1))) == 1
