"""Stories of bans: what is seen on the wire, what is to be done about it, and what the proof says."""

import pytest
from banned_world import PHONES, ban, governed, hello, kills, policy, rulings, told
from cast import (
    BYTEDANCE_OWN,
    CLOUD,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    PHONE_V6,
    SHARED,
    START,
    STRANGER,
    TIKTOK,
    VPN_SERVER,
    answer_to,
    asks,
    connection,
    exchange,
    gateway,
    hidden,
    http,
    neighbour,
    packed,
    packet,
    quic,
    resolves,
    syn,
)

from monitor.core.effects import (
    UNKNOWN_SEQUENCE,
    Kill,
    MembershipChanged,
    PolicyChanged,
    ReleaseFlows,
    ResolveName,
    VerdictEvent,
)
from monitor.core.flow.blindness import PROTOCOL_ESP
from monitor.core.settings import CONNTRACK, EnforcementState, Settings
from monitor.limits import Limits
from monitor.model import FLOW_END, FLOW_NEW, PROTOCOL_TCP, PROTOCOL_UDP, TCP_ACK, TCP_RST, Observation
from monitor.model import flow_key as key_of
from monitor.policy.ban import CLOSED, ENFORCE, OBSERVE, REJECT, SHADOW, Exemption
from monitor.policy.policy import Policy
from monitor.policy.schedule import weekly


def test_a_banned_hello_is_killed_and_a_reset_fits_its_client() -> None:
    watched = governed()
    effects = watched.feed(hello("www.tiktok.com"), START + 1)
    (kill,) = kills(effects)
    assert kill.key == key_of(packed(PHONE), packed(SHARED), 40000, 443, PROTOCOL_TCP)
    assert (kill.acknowledgment, kill.ban, kill.on_failure) == (77, "bytedance-test", "open")
    assert rulings(effects) == [("block", "sni", "bytedance-test")]
    assert told(watched, "killed_flows_total") == {("bytedance", "", "phones"): 1}
    assert told(watched, "blocked_bytes_total") == {("bytedance", "", "phones"): 220}
    assert told(watched, "leaked_bytes_total") == {}


def test_the_ban_says_what_holds_without_the_daemon() -> None:
    (kill,) = kills(governed(ban(on_failure=CLOSED)).feed(hello("www.tiktok.com"), START + 1))
    assert kill.on_failure == "closed"


@pytest.mark.parametrize(
    "story",
    [
        hello("www.google.com"),
        hello("nottiktok.com"),
        hello("tiktok.com.evil.example"),
        hello("www.tiktok.com", LAPTOP, mac=LAPTOP_MAC),
        hello("captive.apple.com"),
    ],
)
def test_what_no_ban_is_about_passes(story: list[Observation]) -> None:
    watched = governed()
    effects = watched.feed(story, START + 1)
    assert (kills(effects), rulings(effects)) == ([], [])
    assert told(watched, "killed_flows_total") == {}


@pytest.mark.parametrize(
    ("story", "vendor"),
    [
        (quic(packet(PHONE, SHARED, (40000, 443), PROTOCOL_UDP), "www.tiktok.com"), "bytedance"),
        (http(packet(PHONE, SHARED, (40000, 80)), "www.tiktok.com"), "bytedance"),
        (hello("", to=BYTEDANCE_OWN), "bytedance"),
        (hello("dns.example"), "encrypted-dns"),
        (hidden(packet(PHONE, STRANGER, (40000, 853)), "dot"), "encrypted-dns"),
        (hidden(packet(PHONE, STRANGER, (40000, 51820), PROTOCOL_UDP), "vpn"), "vpn-proxy"),
    ],
)
def test_other_ways_to_say_it_are_cut_too(story: list[Observation], vendor: str) -> None:
    watched = governed(ban(), ban("category:encrypted-dns"), ban("category:vpn-proxy"))
    assert len(kills(watched.feed(story, START + 1))) == 1
    assert told(watched, "killed_flows_total") == {(vendor, "", "phones"): 1}


def test_a_hello_that_is_sent_again_is_no_second_one_but_a_new_connection_is() -> None:
    watched = governed()
    watched.feed(hello("www.tiktok.com"), START + 1)
    assert kills(watched.feed(hello("www.tiktok.com"), START + 2)) == []
    again = hello("www.tiktok.com")
    again[-2].acknowledgment = 99  # type: ignore[union-attr]
    assert len(kills(watched.feed(again, START + 3))) == 1
    assert told(watched, "killed_flows_total") == {("bytedance", "", "phones"): 2}


def test_what_hammers_on_is_nothing_and_what_came_too_late_is_counted() -> None:
    watched = governed()
    watched.feed(hello("www.tiktok.com"), START + 1)
    again = [packet(PHONE, SHARED, (40000, 443), at=at, length=100) for at in (0.5, 1.0, 2.0, 4.0)]
    watched.feed(again, START + 5)
    assert told(watched, "leaked_bytes_total") == {}
    assert told(watched, "blocked_bytes_total") == {("bytedance", "", "phones"): 220}
    assert told(watched, "late_answers_total") == {}
    watched.feed([answer_to(again[0], 0.6, 1400)], START + 11)
    assert told(watched, "late_answers_total", 20) == {(): 1}


def test_conntrack_tells_later_what_a_killed_flow_had_carried() -> None:
    watched = governed(flows=CONNTRACK)
    watched.feed([connection(FLOW_NEW, 0, 0, destination=SHARED)], START + 0.1)
    watched.feed(hello("www.tiktok.com")[-1:], START + 0.2)
    last = connection(FLOW_END, 160, 60, at=0.3, destination=SHARED)
    last.packets_reply = 1
    effects = watched.feed([last], START + 0.4)
    assert told(watched, "blocked_bytes_total") == {("bytedance", "", "phones"): 220}
    assert told(watched, "late_answers_total") == {}
    assert [effect.about.reason for effect in effects if hasattr(effect, "about")] == ["killed"]  # type: ignore[union-attr]


def test_shadow_stops_nothing_and_says_what_it_would_have() -> None:
    watched = governed(ban(mode=SHADOW))
    story = [*asks(PHONE, "www.tiktok.com"), *exchange(PHONE, SHARED, "www.tiktok.com")]
    effects = watched.feed(story, START + 2)
    assert kills(effects) == []
    assert rulings(effects) == [("shadow", "dns", "bytedance-test"), ("shadow", "sni", "bytedance-test")]
    assert told(watched, "shadow_blocked_total") == {
        ("bytedance", "", "phones", "dns"): 1,
        ("bytedance", "", "phones", "sni"): 1,
    }
    assert told(watched, "dns_queries_total") == {("bytedance", "phones", "shadowed"): 1}
    assert told(watched, "leaked_bytes_total") == {}


def test_observe_is_a_line_in_the_journal() -> None:
    effects = governed(ban(mode=OBSERVE)).feed(hello("www.tiktok.com"), START + 1)
    assert (kills(effects), rulings(effects)) == ([], [("observe", "sni", "bytedance-test")])


def test_questions_are_blocked_once_the_sinkhole_answers_them() -> None:
    watched = governed()
    watched.feed(asks(PHONE, "www.tiktok.com"), START + 1)
    assert told(watched, "dns_queries_total") == {("bytedance", "phones", "allowed"): 1}
    watched.set_enforcement(EnforcementState(armed=True))
    watched.feed(asks(PHONE, "www.tiktok.com", at=1.0), START + 2)
    verdict = watched.answer_policy(packed(PHONE), b"www.tiktok.com", START + 2).verdict
    assert verdict is not None
    watched.note_refused(packed(PHONE), b"www.tiktok.com", verdict, START + 2)
    assert told(watched, "dns_queries_total")["bytedance", "phones", "blocked"] == 1
    assert told(watched, "dns_blocked_queries_total") == {("bytedance", "", "phones"): 1}
    assert watched.answer_policy(packed(PHONE), b"www.google.com", START + 2).verdict is None
    assert watched.answer_policy(packed(LAPTOP), b"www.tiktok.com", START + 2).verdict is None


def test_what_passes_under_a_ban_is_a_leak_with_its_evidence() -> None:
    watched = governed(ban(layers=frozenset({"dns"})))
    watched.feed(exchange(PHONE, SHARED, "www.tiktok.com"), START + 1)
    assert told(watched, "leaked_bytes_total") == {
        ("bytedance", "", "phones", "up", "sni"): 600,
        ("bytedance", "", "phones", "down", "sni"): 5100,
    }


def test_what_leads_to_where_banned_names_lead_is_neither_cut_nor_a_leak() -> None:
    watched = governed()
    watched.set_enforcement(EnforcementState(sinks=frozenset((packed(SHARED),))))
    request = packet(PHONE, SHARED, (40000, 80))
    effects = watched.feed([*http(request, "www.tiktok.com"), answer_to(request)], START + 5)
    assert [effect for effect in effects if isinstance(effect, Kill)] == []
    effects = watched.govern(policy(ban(), ban("google")), START + 6)
    assert [effect for effect in effects if isinstance(effect, Kill)] == []
    assert told(watched, "leaked_bytes_total") == {}
    assert told(watched, "killed_flows_total") == {}


def test_what_is_refused_at_its_first_packet_is_no_leak() -> None:
    watched = governed()
    first = syn(PHONE, BYTEDANCE_OWN)
    watched.feed([first, answer_to(first, 0.01, 40, TCP_RST | TCP_ACK)], START + 1)
    lost = packet(PHONE, BYTEDANCE_OWN, (40001, 443), PROTOCOL_UDP)
    watched.feed([lost], START + 1)
    assert told(watched, "leaked_bytes_total") == {}
    assert told(watched, "flow_bytes_total") != {}


def test_a_ban_that_starts_cuts_what_runs_and_leaves_its_past_alone() -> None:
    settings = Settings(groups=(PHONES,), events=frozenset({"verdict"}))
    watched = gateway(settings)
    first = syn(PHONE, SHARED)
    running = [*hello("www.tiktok.com"), answer_to(first, 0.2, 5000)]
    other = [*hello("www.tiktok.com", LAPTOP, mac=LAPTOP_MAC), *hello("www.google.com", PHONE, STRANGER)]
    watched.feed([*running, *other], START + 1)
    effects = watched.govern(policy(ban()), START + 2)
    assert [type(effect) for effect in effects if not isinstance(effect, MembershipChanged)] == [
        PolicyChanged,
        Kill,
        VerdictEvent,
    ]
    assert [kill.acknowledgment for kill in kills(effects)] == [UNKNOWN_SEQUENCE]
    assert told(watched, "blocked_bytes_total") == {}
    assert told(watched, "leaked_bytes_total") == {}


def tunnel(server: str, at: float) -> list[Observation]:
    """A packet of ESP each way, which has no ports."""
    first = packet(PHONE, server, (0, 0), PROTOCOL_ESP, at=at)
    return [first, answer_to(first, at + 0.1, 1000)]


def test_a_tunnel_without_ports_cannot_be_cut_and_what_it_carries_on_is_a_leak() -> None:
    watched = gateway(Settings(groups=(PHONES,)))
    watched.feed(tunnel(STRANGER, 0.0), START + 1)
    assert kills(watched.govern(policy(ban("category:vpn-proxy")), START + 1)) == []
    watched.feed(tunnel(STRANGER, 2.0), START + 3)
    assert told(watched, "killed_flows_total") == {}
    assert told(watched, "leaked_bytes_total") == {
        ("vpn-proxy", "", "phones", "up", "none"): 100,
        ("vpn-proxy", "", "phones", "down", "none"): 1000,
    }


@pytest.mark.parametrize(
    ("subject", "server", "label"),
    [("category:vpn-proxy", VPN_SERVER, "vpn-proxy"), ("bytedance", BYTEDANCE_OWN, "bytedance")],
)
def test_a_tunnel_to_a_banned_address_is_stopped_by_that(subject: str, server: str, label: str) -> None:
    watched = gateway(Settings(groups=(PHONES,)))
    watched.feed(tunnel(server, 0.0), START + 1)
    watched.govern(policy(ban(subject)), START + 1)
    watched.feed(tunnel(server, 2.0)[:1], START + 3)
    assert told(watched, "killed_flows_total") == {(label, "", "phones"): 1}
    assert told(watched, "leaked_bytes_total") == {}


def test_a_ban_that_ends_lets_go_of_what_it_killed() -> None:
    watched = governed()
    (kill,) = kills(watched.feed(hello("www.tiktok.com"), START + 1))
    effects = watched.govern(policy(), START + 2)
    assert ReleaseFlows((kill.key,)) in effects
    assert len(kills(watched.feed(hello("www.tiktok.com"), START + 3))) == 0


def test_schedules_and_pauses_change_the_policy_by_themselves() -> None:
    minute = 720

    def wall(now: float) -> tuple[int, int]:
        return 0, minute + int(now // 60) - int(START // 60)

    watched = gateway(Settings(groups=(PHONES,)))
    watched.govern(Policy([ban(schedule=weekly(frozenset(range(7)), 721, 722))], (), (), wall), START)
    assert kills(watched.feed(hello("www.tiktok.com"), START + 1)) == []
    effects = watched.tick(START + 61)
    assert [type(effect) for effect in effects] == [PolicyChanged, Kill]
    effects = watched.tick(START + 121)
    assert [type(effect) for effect in effects] == [PolicyChanged, ReleaseFlows]


def test_an_exception_and_an_allowed_name_pass() -> None:
    spared = governed(exemptions=[Exemption(PHONE_MAC, name=b"www.tiktok.com")])
    assert kills(spared.feed(hello("www.tiktok.com"), START + 1)) == []
    assert len(kills(spared.feed(hello("m.tiktok.com", to=CLOUD), START + 1))) == 1
    allowed = governed(ban(allow=(b"newsroom.tiktok.com",)))
    assert kills(allowed.feed(hello("newsroom.tiktok.com"), START + 1)) == []
    assert told(allowed, "leaked_bytes_total") == {}


def test_the_answer_of_another_device_cuts_nobody() -> None:
    """A resolver of one's own binds a banned name to somebody's address."""
    watched = governed()
    forged = resolves(LAPTOP, "www.tiktok.com", STRANGER, mac=LAPTOP_MAC)
    nameless = hello("", to=STRANGER)
    effects = watched.feed([*forged, *nameless], START + 1)
    assert kills(effects) == []
    assert kills(watched.govern(policy(ban()), START + 5)) == []


def test_ones_own_answer_names_what_ech_hides() -> None:
    watched = governed()
    story = [*resolves(PHONE, "www.tiktok.com", TIKTOK), *hello("outer.example", to=TIKTOK, ech=True)]
    assert len(kills(watched.feed(story, START + 1))) == 1


@pytest.mark.parametrize(("blind", "cut"), [("count", 0), (REJECT, 1)])
def test_what_nothing_can_name_is_cut_where_the_ban_says_so(blind: str, cut: int) -> None:
    watched = governed(ban("alibaba", blind=blind))
    assert len(kills(watched.feed(hello("outer.example", to=CLOUD, ech=True), START + 1))) == cut


def test_devices_are_followed_by_their_keys() -> None:
    watched = governed()
    effects = watched.feed([neighbour(PHONE, PHONE_MAC)], START + 1)
    effects += watched.tick(START + 2)
    assert [effect for effect in effects if isinstance(effect, MembershipChanged)] == [
        MembershipChanged(1, ("phones",), PHONE_MAC, (packed(PHONE),))
    ]
    watched.feed([neighbour(PHONE_V6, PHONE_MAC, 2.5), neighbour(LAPTOP, LAPTOP_MAC, 2.5)], START + 3)
    follows = [effect for effect in watched.tick(START + 4) if isinstance(effect, MembershipChanged)]
    assert follows == [] or follows[0].addresses == (packed(PHONE), packed(PHONE_V6))


@pytest.mark.parametrize(("mode", "asked"), [(ENFORCE, 2), (SHADOW, 2), (OBSERVE, 0)])
def test_names_of_a_vendor_that_is_banned_by_address_are_asked_for(mode: str, asked: int) -> None:
    """The addresses of those that are banned are to be learned, those of the allowed one must pass."""
    watched = governed(ban(mode=mode, allow=(b"newsroom.tiktok.com",)))
    story = [*asks(PHONE, "newsroom.tiktok.com"), *asks(PHONE, "www.tiktok.com"), *asks(PHONE, "www.google.com")]
    story += asks(LAPTOP, "m.tiktok.com", mac=LAPTOP_MAC)
    effects = watched.feed(story, START + 1)
    names = [effect.name for effect in effects if isinstance(effect, ResolveName)]
    assert names == [b"newsroom.tiktok.com", b"www.tiktok.com"][:asked]


@pytest.mark.parametrize("layers", [("dns", "sni"), ("ip",)])
def test_a_name_in_a_hello_is_asked_for_where_addresses_are_banned(layers: tuple[str, ...]) -> None:
    effects = governed(ban(layers=frozenset(layers))).feed(hello("www.tiktok.com"), START + 1)
    assert [effect.name for effect in effects if isinstance(effect, ResolveName)] == [b"www.tiktok.com"] * (
        "ip" in layers
    )


def test_of_too_many_cut_flows_the_oldest_is_let_go() -> None:
    settings = Settings(groups=(PHONES,), limits=Limits(kills=2))
    watched = gateway(settings)
    watched.govern(policy(ban()), START)
    ports = (5001, 5002, 5003)
    story = [seen for port in ports for seen in http(packet(PHONE, SHARED, (port, 80), at=1.0), "www.tiktok.com")]
    effects = watched.feed(story, START + 2)
    assert [effect.keys for effect in effects if isinstance(effect, ReleaseFlows)] == [
        (key_of(packed(PHONE), packed(SHARED), 5001, 80, PROTOCOL_TCP),)
    ]
    assert (watched.table_sizes()["kills"], watched.evictions()["kills"]) == (2, 1)


def test_noise_beside_a_banned_name_hides_it_from_nobody() -> None:
    """Another device was given the name's address, or this one another name at the same address."""
    learned = resolves(LAPTOP, "www.tiktok.com", SHARED, mac=LAPTOP_MAC)
    for answers in (learned, resolves(PHONE, "www.example.org", SHARED)):
        watched = governed()
        effects = watched.feed([*answers, *hello("www.tiktok.com", ech=True)], START + 1)
        assert len(kills(effects)) == 1
        assert told(watched, "killed_flows_total")["bytedance", "", "phones"] == 1
    for passes in (hello("www.tiktok.com", LAPTOP, mac=LAPTOP_MAC, ech=True), hello("www.example.org", ech=True)):
        assert kills(governed().feed([*learned, *passes], START + 1)) == []


def test_such_a_flow_is_cut_by_a_ban_that_begins() -> None:
    watched = governed(ban(mode=OBSERVE))
    learned = resolves(LAPTOP, "www.tiktok.com", SHARED, mac=LAPTOP_MAC)
    assert kills(watched.feed([*learned, *hello("www.tiktok.com", ech=True)], START + 1)) == []
    assert len(kills(watched.govern(policy(ban()), START + 2))) == 1


@pytest.mark.parametrize(("layers", "blind", "cut"), [
    (("dns", "sni"), "count", 0), (("dns", "sni"), REJECT, 1), (("sni", "ip"), "count", 1),
])  # fmt: skip
def test_who_bans_by_name_alone_says_what_becomes_of_the_vendors_own_addresses(
    layers: tuple[str, ...], blind: str, cut: int
) -> None:
    watched = governed(ban(layers=frozenset(layers), blind=blind))
    assert len(kills(watched.feed(hello("outer.example", to=BYTEDANCE_OWN, ech=True), START + 1))) == cut
