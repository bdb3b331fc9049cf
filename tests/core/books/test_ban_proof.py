"""What bans count: as nothing before they count, under which labels, and for how long."""

from banned_world import ban, governed, hello, told
from cast import (
    CLOUD,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_V6,
    RESOLVER,
    START,
    STRANGER,
    asks,
    gateway,
    packed,
    small_index,
)

from monitor.attribution.matches import EVIDENCE
from monitor.core.books.recent_devices import RecentDevices
from monitor.core.settings import EnforcementState, Settings
from monitor.policy.ban import SHADOW


def test_what_a_ban_counts_is_told_as_nothing_before_it_counts_and_stays_when_it_is_over() -> None:
    """Prometheus sees a rise only where it saw the nothing before."""
    watched = governed(ban(), ban("google", SHADOW, layers=frozenset({"dns"})))
    samples = watched.snapshot()
    for name in ("dns_blocked_queries_total", "killed_flows_total", "refused_packets_total", "blocked_bytes_total"):
        assert samples[name] == {("bytedance", "", "phones"): 0}
    assert samples["blocked_total"] == {("bytedance", "phones", layer): 0 for layer in ("dns", "sni", "ip")}
    assert samples["shadow_blocked_total"] == {("google", "", "phones", "dns"): 0}
    assert samples["blocked_bytes_total"] == {("bytedance", "", "phones"): 0}
    assert samples["leaked_bytes_total"] == {
        ("bytedance", "", "phones", direction, evidence): 0 for direction in ("up", "down") for evidence in EVIDENCE
    }
    watched.feed(hello("www.tiktok.com"), START + 1)
    watched.govern(None, START + 2)
    after = watched.snapshot()
    assert after["killed_flows_total"][("bytedance", "", "phones")] == 1
    assert after["leaked_bytes_total"] == samples["leaked_bytes_total"]
    assert "ban_info" not in after


def test_devices_that_a_ban_stopped_are_told_for_an_hour() -> None:
    watched = governed()
    assert watched.snapshot()["ban_devices"] == {("bytedance", "", "phones"): 0}
    watched.feed(hello("www.tiktok.com") + hello("www.tiktok.com", PHONE_V6, "2001:db8::80"), START + 1)
    assert watched.snapshot()["ban_devices"] == {("bytedance", "", "phones"): 1}
    verdict = watched.answer_policy(packed(PHONE), b"www.tiktok.com", START + 1800).verdict
    assert verdict is not None
    watched.note_refused(packed(PHONE), b"www.tiktok.com", verdict, START + 1800)
    assert told(watched, "ban_devices", 5000) == {("bytedance", "", "phones"): 1}
    assert told(watched, "ban_devices", 5401) == {}
    assert watched.table_sizes()["trying"] == 0


def test_those_that_try_are_no_more_than_their_limit() -> None:
    trying = RecentDevices(3)
    for device in (1, 2, 3, 1, 4):
        trying.note(("bytedance", ""), "phones", device, START)
    assert (len(trying), trying.evictions) == (3, 1)
    trying.note(("bytedance", ""), "phones", 1, START + 1)
    assert (len(trying), trying.evictions) == (3, 1)


def test_without_a_policy_nothing_of_this_is_told() -> None:
    watched = gateway(Settings(), small_index())
    assert watched.feed(hello("www.tiktok.com"), START + 1) == []
    assert "blocked_total" not in watched.snapshot()


def test_a_ban_of_everyone_is_labelled_all() -> None:
    watched = governed(ban(groups=()))
    watched.feed(hello("www.tiktok.com", LAPTOP, mac=LAPTOP_MAC), START + 1)
    assert told(watched, "killed_flows_total") == {("bytedance", "", "all"): 1}
    assert told(watched, "ban_info") == {("bytedance", "", "all", "enforce"): 1}


def test_ways_round_a_ban_are_counted() -> None:
    watched = governed()
    watched.set_enforcement(EnforcementState(resolvers=frozenset({packed(RESOLVER)})))
    story = [*asks(PHONE, "www.google.com"), *asks(PHONE, "www.google.com", at=0.5, resolver=STRANGER)]
    story += asks(LAPTOP, "www.google.com", resolver=STRANGER, mac=LAPTOP_MAC)
    story += hello("outer.example", to=CLOUD, ech=True)
    watched.feed(story, START + 1)
    assert told(watched, "bypass_attempts_total") == {("phones", "foreign_resolver"): 1, ("phones", "ech"): 1}
