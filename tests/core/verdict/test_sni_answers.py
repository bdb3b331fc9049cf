"""Under which names addresses are used: what is told of a learned one, and which hellos count as answered."""

import pytest
from banned_world import ban, governed, policy
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    START,
    STRANGER,
    answer_to,
    connection,
    exchange,
    gateway,
    http,
    packed,
    packet,
    resolves,
    syn,
    tls,
)

from monitor.attribution.sni_claims import NAMES_PER_ADDRESS, SniClaims
from monitor.core.effects import Effect, NameSeen
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, EnforcementState, Settings
from monitor.limits import Limits
from monitor.model import FLOW_END, FLOW_NEW, TCP_ACK, TCP_SYN, Observation
from monitor.policy.groups import Group

ADDRESS = packed(STRANGER)


def watching(flows: str = "packets") -> Gateway:
    watched = governed(flows=flows)
    watched.set_enforcement(EnforcementState(learned=frozenset((ADDRESS,))))
    return watched


def used(effects: list[Effect]) -> list[tuple[bytes, bytes]]:
    return [(effect.address, effect.name) for effect in effects if isinstance(effect, NameSeen)]


def answered(watched: Gateway) -> dict[bytes, list[tuple[str, ...]]]:
    return {said.name: list(said.answered) for said in watched.name_claims(ADDRESS).said}


def unanswered(name: str, ech: bool = False) -> list[Observation]:
    first = syn(LAPTOP, STRANGER, mac=LAPTOP_MAC)
    carrier = packet(LAPTOP, STRANGER, (40000, 443), at=0.1, length=500, mac=LAPTOP_MAC)
    return [first, answer_to(first, 0.05, 60, TCP_SYN | TCP_ACK), *tls(carrier, name, ech), answer_to(first, 0.2, 52)]


def test_an_answer_with_a_learned_address_is_told() -> None:
    watched = watching()
    story = [*resolves(PHONE, "www.example.org", STRANGER), *resolves(PHONE, "other.example.org", "62.4.10.10")]
    assert used(watched.feed(story, START + 1)) == [(ADDRESS, b"www.example.org")]
    assert used(watched.feed(resolves(PHONE, "www.example.org", STRANGER, at=0.5), START + 1)) == []
    assert len(used(watched.feed(resolves(PHONE, "www.example.org", STRANGER, at=2.0), START + 2))) == 1


def test_a_hello_is_a_hint_and_once_it_is_answered_a_claim() -> None:
    watched = watching()
    assert used(watched.feed(unanswered("www.example.org"), START + 0.5)) == [(ADDRESS, b"www.example.org")]
    assert used(watched.tick(START + 1.5)) == []
    assert answered(watched) == {b"www.example.org": []}
    first = syn(LAPTOP, STRANGER, mac=LAPTOP_MAC)
    watched.feed([answer_to(first, 1.6, 1400)], START + 1.7)
    assert used(watched.tick(START + 3)) == [(ADDRESS, b"www.example.org")]
    assert answered(watched) == {b"www.example.org": [()]}


def test_the_groups_of_who_was_answered_are_kept() -> None:
    watched = watching()
    watched.feed(exchange(PHONE, STRANGER, "www.example.org"), START + 1)
    watched.feed(exchange(LAPTOP, STRANGER, "www.example.org", at=1.0, mac=LAPTOP_MAC), START + 2)
    watched.tick(START + 4)
    assert answered(watched) == {b"www.example.org": [("phones",), ()]}


def test_conntrack_tells_of_the_answer_later() -> None:
    watched = watching(CONNTRACK)
    watched.feed([connection(FLOW_NEW, 0, 0, source=LAPTOP, destination=STRANGER)], START + 0.1)
    watched.feed(unanswered("www.example.org")[2:4], START + 0.2)
    watched.tick(START + 2)
    assert answered(watched) == {b"www.example.org": []}
    last = connection(FLOW_END, 600, 5000, at=3.0, source=LAPTOP, destination=STRANGER)
    watched.feed([last], START + 3.1)
    watched.tick(START + 5)
    assert answered(watched) == {b"www.example.org": [()]}


@pytest.mark.parametrize("story", [exchange(LAPTOP, STRANGER, "www.example.org", ech=True, mac=LAPTOP_MAC)])
def test_with_ech_the_name_may_be_anything(story: list[Observation]) -> None:
    watched = watching()
    watched.feed(story, START + 1)
    watched.tick(START + 3)
    assert answered(watched) == {b"www.example.org": []}


def test_a_host_in_the_clear_is_only_a_hint() -> None:
    watched = watching()
    first = packet(LAPTOP, STRANGER, (40000, 80), mac=LAPTOP_MAC)
    watched.feed([*http(first, "www.example.org"), answer_to(first, 0.2, 5000)], START + 1)
    watched.tick(START + 3)
    assert answered(watched) == {b"www.example.org": []}


def test_a_hello_that_was_cut_claims_nothing() -> None:
    watched = watching()
    watched.feed(exchange(PHONE, STRANGER, "www.tiktok.com"), START + 1)
    watched.tick(START + 3)
    assert answered(watched) == {b"www.tiktok.com": []}


def test_without_a_policy_nothing_is_remembered() -> None:
    watched = gateway(Settings())
    watched.feed(exchange(LAPTOP, STRANGER, "www.example.org", mac=LAPTOP_MAC), START + 1)
    assert watched.name_claims(ADDRESS).said == []


def test_a_flood_of_hellos_stays_within_its_limits() -> None:
    settings = Settings(groups=(Group("phones", (PHONE_MAC.hex(":"),)),), limits=Limits(hellos=64))
    watched = gateway(settings)
    watched.govern(policy(ban()), START)
    for number in range(300):
        carrier = packet(LAPTOP, f"62.4.{number >> 8}.{number & 255}", (40000, 443), mac=LAPTOP_MAC)
        watched.feed(tls(carrier, "www.example.org"), START + 1)
        assert watched.table_sizes()["hellos"] <= 64
    assert watched.evictions()["hellos"] >= 200


def test_names_that_nobody_answered_give_way_first() -> None:
    sayings = SniClaims(100)
    sayings.say(ADDRESS, b"answered.example", 1.0).answer((), 1.0)
    for number in range(100):
        sayings.say(ADDRESS, b"%d.example" % number, 2.0)
    names = [said.name for said in sayings.at(ADDRESS)]
    assert len(names) == NAMES_PER_ADDRESS
    assert b"answered.example" in names
