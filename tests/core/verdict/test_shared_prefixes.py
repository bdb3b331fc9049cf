"""A ban of a service leaves the prefixes open that other services of its vendor use; what passes there is told."""

import pytest
from banned_world import PHONES, ban, hello, kills, policy, rulings, told
from cast import (
    BYTEDANCE_OWN,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    START,
    answer_to,
    gateway,
    packed,
    packet,
    resolves,
    small_index,
    syn,
)

from monitor.core.effects import ReleaseFlows
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.model import Observation
from monitor.policy.ban import ENFORCE, OBSERVE, REJECT, SHADOW, Ban, Exemption

BLIND = {("phones", "shared_prefix"): 0}
# Of `bytedance`, and of no service that the small catalogue knows.
SIBLING = "lark.example"


def governed(*bans: Ban, exemptions: tuple[Exemption, ...] = ()) -> Gateway:
    watched = gateway(Settings(groups=(PHONES,), events=frozenset({"verdict"})), small_index({SIBLING: "bytedance"}))
    watched.govern(policy(*bans, exemptions=exemptions), START)
    return watched


def service(mode: str = ENFORCE, **more: object) -> Ban:
    return ban("bytedance/tiktok", mode, **more)


def nameless(at: float = 0.0, source: str = PHONE, port: int = 443, **more: bytes) -> list[Observation]:
    """A connection without any hello: 500 bytes up, 5,000 down."""
    first = syn(source, BYTEDANCE_OWN, ports=(40000, port), at=at, **more)
    sent = packet(source, BYTEDANCE_OWN, (40000, port), at=at + 0.2, length=460, **more)
    return [first, sent, answer_to(sent, at + 0.3, 5000)]


def blind(watched: Gateway, at: float = 10.0) -> float:
    return told(watched, "blind_bytes_total", at).get(("phones", "shared_prefix"), 0.0)


def test_bytes_to_a_prefix_that_the_ban_leaves_open_are_blind_and_no_leak() -> None:
    watched = governed(service())
    assert ("phones", "shared_prefix") in watched.snapshot()["blind_bytes_total"]
    story = nameless()
    effects = watched.feed(story, START + 1)
    sizes = sum(seen.length for seen in story)  # type: ignore[attr-defined]
    assert kills(effects) == []
    assert told(watched, "blind_bytes_total") == {("phones", "shared_prefix"): sizes}
    assert told(watched, "leaked_bytes_total") == {}


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (service(SHADOW), True),
        (service(OBSERVE), False),
        (ban(), False),
        (ban("google/search"), False),
        (service(groups=("others",)), False),
        (service(layers=frozenset({"dns"})), True),
    ],
)
def test_only_a_ban_of_a_service_of_that_vendor_leaves_it_open(one: Ban, counts: bool) -> None:
    watched = governed(one)
    watched.feed(nameless(), START + 1)
    assert (blind(watched) > 0) == counts


def test_what_a_name_attributes_to_another_service_is_not_blind() -> None:
    watched = governed(service(blind=REJECT))
    assert kills(watched.feed(hello(SIBLING, to=BYTEDANCE_OWN), START + 1)) == []
    watched.feed(resolves(PHONE, SIBLING, BYTEDANCE_OWN, at=2.0), START + 3)
    assert kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 4)) == []
    assert blind(watched) == 0


def test_plain_dns_and_other_devices_are_not_blind_there() -> None:
    watched = governed(service())
    watched.feed(nameless(port=53), START + 1)
    watched.feed(nameless(source=LAPTOP, mac=LAPTOP_MAC), START + 1)
    assert blind(watched) == 0


@pytest.mark.parametrize("name", ["", "unlisted.example"])
def test_a_hello_that_names_no_service_is_cut_where_the_ban_rejects_what_is_blind(name: str) -> None:
    for how, cut in (("count", 0), (REJECT, 1)):
        watched = governed(service(blind=how))
        assert len(kills(watched.feed(hello(name, to=BYTEDANCE_OWN), START + 1))) == cut
        assert blind(watched) > 0
        expected = {("bytedance", "tiktok", "phones"): cut} if cut else {}
        assert told(watched, "killed_flows_total") == expected
        assert told(watched, "leaked_bytes_total") == {}
    shadow = governed(service(SHADOW, blind=REJECT))
    effects = shadow.feed(hello(name, to=BYTEDANCE_OWN), START + 1)
    assert (kills(effects), rulings(effects)) == ([], [("shadow", "sni", "bytedance/tiktok-test")])
    assert told(shadow, "shadow_blocked_total") == {("bytedance", "tiktok", "phones", "sni"): 1}


def test_a_ban_in_observe_of_the_vendor_hides_no_ban_of_its_service() -> None:
    watched = governed(ban(mode=OBSERVE), service(blind=REJECT))
    assert len(kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 1))) == 1
    enforced = governed(ban(layers=frozenset({"dns", "sni"})), service())
    enforced.feed(nameless(), START + 1)
    assert blind(enforced) == 0


@pytest.mark.parametrize("banned", ["bytedance", "bytedance/tiktok"])
def test_a_ban_that_counts_what_is_blind_hides_no_ban_that_rejects_it(banned: str) -> None:
    names = frozenset({"dns", "sni"})
    others = (ban(banned, id="first", layers=names), ban("bytedance/douyin", id="beside", layers=names))
    watched = governed(*others, ban(banned, id="second", layers=names, blind=REJECT))
    (kill,) = kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 1))
    fewer = watched.govern(policy(*others), START + 2)
    assert [effect.keys for effect in fewer if isinstance(effect, ReleaseFlows)] == [(kill.key,)]


@pytest.mark.parametrize(
    "exemption",
    [Exemption(packed(PHONE), vendor="bytedance"), Exemption(packed(PHONE), vendor="bytedance/tiktok")],
)
def test_a_device_with_an_exception_for_the_vendor_is_neither_cut_nor_counted(exemption: Exemption) -> None:
    watched = governed(service(blind=REJECT), exemptions=(exemption,))
    assert kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 1)) == []
    assert blind(watched) == 0


def test_an_allowed_name_there_is_not_cut() -> None:
    watched = governed(service(blind=REJECT, allow=(b"unlisted.example",)))
    assert kills(watched.feed(hello("unlisted.example", to=BYTEDANCE_OWN), START + 1)) == []
    assert len(kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 2))) == 1


def test_a_live_connection_counts_from_when_the_ban_begins_until_it_ends() -> None:
    watched = governed()
    first = syn(PHONE, BYTEDANCE_OWN)
    watched.feed([first, packet(PHONE, BYTEDANCE_OWN, (40000, 443), at=0.1, length=300)], START + 1)
    assert blind(watched, 5.0) == 0
    watched.govern(policy(service()), START + 6)
    watched.feed([packet(PHONE, BYTEDANCE_OWN, (40000, 443), at=6.5, length=700)], START + 7)
    assert blind(watched, 12.0) == 700
    watched.govern(policy(), START + 13)
    watched.feed([packet(PHONE, BYTEDANCE_OWN, (40000, 443), at=13.5, length=900)], START + 14)
    assert blind(watched, 20.0) == 700


def test_a_ban_that_begins_cuts_live_connections_without_a_name_where_it_rejects_them() -> None:
    for name, how, cut in (("", "count", 0), ("", REJECT, 1), (SIBLING, REJECT, 0)):
        watched = governed()
        watched.feed(hello(name, to=BYTEDANCE_OWN), START + 1)
        assert len(kills(watched.govern(policy(service(blind=how)), START + 2))) == cut


def test_what_was_cut_as_nameless_stays_cut_as_long_as_a_ban_rejects_it() -> None:
    watched = governed(service(blind=REJECT))
    (kill,) = kills(watched.feed(hello("", to=BYTEDANCE_OWN), START + 1))
    other = watched.govern(policy(service(blind=REJECT), ban("google")), START + 2)
    assert [effect for effect in other if isinstance(effect, ReleaseFlows)] == []
    counting = watched.govern(policy(service()), START + 3)
    assert [effect.keys for effect in counting if isinstance(effect, ReleaseFlows)] == [(kill.key,)]
