"""Stories of learned addresses: which trusted answers ban an address, what keeps one free, and what frees it again."""

from collections.abc import Sequence

import pytest
from cast import small_index
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NOW, local_time, packed

from monitor.attribution.sni_claims import SniClaim
from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner
from monitor.catalog.index import Index
from monitor.policy.ban import Ban, Exemption, parse_subject
from monitor.policy.claims import Claims, spells
from monitor.policy.learnable import Learnable
from monitor.policy.learned import SAID_SECONDS, Free, Learn, Learned, Lesson
from monitor.policy.policy import Policy

NAT64 = ("64:ff9b::/96",)
NEVER = ("10.0.0.0/8", "62.0.0.1", "2a09::/32")
BANNED, OTHER, COUSIN = b"www.tiktok.com", b"www.example.org", b"mail.google.com"
ADDRESS, SECOND, SIX = packed("62.4.10.10"), packed("62.4.10.20"), packed("2a01:cb00::10")
TRANSLATED = (ADDRESS, packed("64:ff9b::3e04:a0a"))
OWN, CLOUD, FOREIGN = packed("71.18.3.4"), packed("47.88.1.1"), packed("2600:1900::5")
TIKTOK = ("bytedance/tiktok",)
INDEX = small_index()


def ban(subject: str = "bytedance", **more: object) -> Ban:
    made = {"id": f"{subject}-test", "subjects": (parse_subject(subject),), "groups": ("phones",), "mode": "enforce"}
    return Ban(**{**made, **more})  # type: ignore[arg-type]


def learned(
    *bans: Ban, exemptions: Sequence[Exemption] = (), limit: int = 100, index: Index = INDEX, rented: int = 0
) -> Learned:
    policy = Policy(bans or (ban(),), exemptions, (), local_time)
    policy.refresh(NOW)
    return Learned(Claims(index, policy), Learnable(index, lambda address: (rented, ""), NAT64, NEVER), limit)


def answers(
    of: Learned,
    name: bytes,
    *addresses: bytes,
    via: Sequence[bytes] = (),
    at: float = 0.0,
    said: Sequence[SniClaim] = (),
) -> list[Lesson]:
    """A trusted answer for five minutes, and what follows."""
    found, lessons = of.take([name, *via], addresses, NOW + at + 300, NOW + at)
    return lessons + [lesson for address in found for lesson in of.settle(address, said, NOW + at)]


def says(name: bytes, *groups: str, answered: bool = True, at: float = 0.0) -> SniClaim:
    said = SniClaim(name)
    if answered:
        said.answer(groups, NOW + at)
    return said


def outcomes(of: Learned, address: bytes = ADDRESS) -> list[str]:
    return [state.outcome for state in of.states_of(address, NOW)]


def test_a_trusted_answer_for_a_banned_name_bans_the_address() -> None:
    of = learned()
    (lesson,) = answers(of, BANNED, ADDRESS)
    assert lesson == Learn(TIKTOK, TRANSLATED, NOW + 300, BANNED)
    assert of.keys == set(TRANSLATED)
    assert answers(of, BANNED, SIX) == [Learn(TIKTOK, (SIX,), NOW + 300, BANNED)]
    assert of.counts["learned"] == 2
    assert of.count_learned(NOW) == 2


@pytest.mark.parametrize("step", [86_400.0, -86_400.0])
def test_a_clock_that_is_set_neither_ends_nor_keeps_what_was_learned(step: float) -> None:
    of = learned()
    answers(of, BANNED, ADDRESS)
    of.step(step)
    later = NOW + step
    assert of.lessons_of(ADDRESS, later + 299) == [Learn(TIKTOK, TRANSLATED, later + 300, BANNED)]
    assert of.lessons_of(ADDRESS, later + 301) == []
    assert answers(of, BANNED, ADDRESS, at=step + 60) == [Learn(TIKTOK, TRANSLATED, later + 360, BANNED)]
    of.sweep(later + 361)
    assert (len(of), of.keys) == (0, set())


def test_who_asks_again_renews_it_and_who_does_not_forgets() -> None:
    of = learned()
    answers(of, BANNED, ADDRESS)
    assert answers(of, BANNED, ADDRESS, at=60) == [Learn(TIKTOK, TRANSLATED, NOW + 360, BANNED)]
    assert of.counts["learned"] == 1
    of.sweep(NOW + 359)
    assert len(of) == 1
    of.sweep(NOW + 361)
    assert (len(of), of.keys, of.count_learned(NOW + 361)) == (0, set(), 0)


@pytest.mark.parametrize(
    ("name", "bans"),
    [
        (OTHER, [ban()]),
        (COUSIN, [ban()]),
        (BANNED, [ban(layers=frozenset({"dns", "sni"}))]),
        (BANNED, [ban(mode="observe")]),
        (BANNED, [ban(until=NOW - 1)]),
        (BANNED, [ban(allow=(b"tiktok.com",))]),
        (b"captive.apple.com", [ban("apple")]),
        (b"cdn.alicdn.example", [ban("alibaba")]),
    ],
)
def test_names_that_no_ban_by_address_is_about_teach_nothing(name: bytes, bans: list[Ban]) -> None:
    of = learned(*bans)
    assert answers(of, name, ADDRESS) == []
    assert outcomes(of) == []


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        (packed("203.0.113.9"), "special"),
        (packed("127.0.0.1"), "special"),
        (packed("64:ff9b::7f00:1"), "special"),
        (packed("2001:db8::1"), "special"),
        (packed("62.0.0.1"), "local"),
        (packed("2a09::1"), "local"),
        (CLOUD, "shared"),
        (FOREIGN, "foreign"),
        (packed("185.9.9.9"), "foreign"),
        (OWN, "own"),
    ],
)
def test_some_addresses_are_never_learned(address: bytes, outcome: str) -> None:
    of = learned()
    assert answers(of, BANNED, address) == []
    assert outcomes(of, of.learnable.plain(address)) == [outcome]
    assert of.keys == set()
    assert sum(of.counts.values()) == (outcome != "own")


def test_an_address_in_a_clouds_as_is_shared() -> None:
    builder = IndexBuilder()
    builder.add_name(b"tiktok.com", False, builder.number_of(Owner("bytedance", "tiktok")))
    builder.add_asn(64999, builder.number_of(Owner("hosting", weak=True)))
    index = Index.load(builder.build())
    assert answers(learned(index=index, rented=64999), BANNED, ADDRESS) == []
    assert len(answers(learned(index=index, rented=64998), BANNED, ADDRESS)) == 1


def test_the_vendors_own_address_is_learned_where_its_prefix_is_not_banned() -> None:
    of = learned(ban("bytedance/tiktok"))
    assert [lesson.owner for lesson in answers(of, BANNED, OWN)] == [TIKTOK]


@pytest.mark.parametrize("first", [BANNED, OTHER])
def test_a_name_outside_the_ban_keeps_its_address_free(first: bytes) -> None:
    of = learned()
    answers(of, first, ADDRESS)
    freed = answers(of, BANNED if first == OTHER else OTHER, ADDRESS)
    assert freed == ([Free(TIKTOK, TRANSLATED, True)] if first == BANNED else [])
    assert (of.keys, outcomes(of)) == (set(), ["guarded"])
    assert of.counts["freed" if first == BANNED else "guarded"] == 1
    assert [state.guard for state in of.states_of(ADDRESS, NOW)] == [OTHER]
    assert answers(of, BANNED, ADDRESS, at=200) == []
    assert len(answers(of, BANNED, ADDRESS, at=301)) == 1, "the claim has lapsed"


@pytest.mark.parametrize(
    ("name", "via", "bans"),
    [
        (b"m.tiktok.com", [], [ban()]),
        (OTHER, [b"cdn.tiktokcdn.com"], [ban()]),
        (COUSIN, [], [ban(), ban("google")]),
        (COUSIN, [], [ban(), ban("google", groups=(), layers=frozenset({"dns"}))]),
    ],
)
def test_names_that_the_same_devices_may_not_reach_have_no_claim(
    name: bytes, via: list[bytes], bans: list[Ban]
) -> None:
    of = learned(*bans)
    answers(of, BANNED, ADDRESS)
    assert [lesson for lesson in answers(of, name, ADDRESS, via=via) if isinstance(lesson, Free)] == []
    assert ADDRESS in of.keys


@pytest.mark.parametrize(
    "more",
    [
        ban("google", groups=("laptops",)),
        ban("google", mode="shadow"),
        ban("google", allow=(b"mail.google.com",)),
    ],
)
def test_a_name_that_somebody_under_the_ban_may_reach_has_a_claim(more: Ban) -> None:
    of = learned(ban(), more)
    answers(of, BANNED, ADDRESS)
    assert any(isinstance(lesson, Free) for lesson in answers(of, COUSIN, ADDRESS))
    assert TIKTOK not in [lesson.owner for lesson in answers(of, BANNED, ADDRESS, at=1) if isinstance(lesson, Learn)]


def test_an_exception_of_one_device_frees_nothing_for_the_others() -> None:
    of = learned(exemptions=[Exemption(b"\2" * 6, name=b"m.tiktok.com")])
    answers(of, BANNED, ADDRESS)
    answers(of, b"m.tiktok.com", ADDRESS)
    assert ADDRESS in of.keys


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (says(OTHER, "laptops"), "guarded"),
        (says(OTHER), "guarded"),
        (says(OTHER, "phones"), "learned"),
        (says(OTHER, "laptops", "phones"), "learned"),
        (says(OTHER, "laptops", answered=False), "learned"),
        (says(OTHER, "laptops", at=-SAID_SECONDS - 1), "learned"),
        (says(b"m.tiktok.com", "laptops"), "learned"),
        (says(b"62-4-10-10.sslip.example", "laptops"), "learned"),
    ],
)
def test_only_an_answered_hello_of_a_device_outside_the_bans_groups_is_a_claim(said: SniClaim, outcome: str) -> None:
    of = learned()
    answers(of, BANNED, ADDRESS, said=[said])
    assert outcomes(of) == [outcome]


def test_under_a_ban_of_everyone_nobody_is_outside() -> None:
    of = learned(ban(groups=()))
    answers(of, BANNED, ADDRESS, said=[says(OTHER, "laptops"), says(OTHER)])
    assert outcomes(of) == ["learned"]


def test_no_claim_frees_the_vendors_own_prefix() -> None:
    of = learned()
    answers(of, BANNED, OWN)
    assert answers(of, OTHER, OWN, said=[says(OTHER, "laptops")]) == []
    assert outcomes(of, OWN) == ["own"]


@pytest.mark.parametrize(
    ("name", "address", "spelled"),
    [
        (b"62.4.10.10.nip.example", "62.4.10.10", True),
        (b"www-62-4-10-10.sslip.example", "62.4.10.10", True),
        (b"10.10.4.62.static.hosting.example", "62.4.10.10", True),
        (b"3e040a0a.nip.example", "62.4.10.10", True),
        (b"2a01-cb00--10.sslip.example", "2a01:cb00::10", True),
        (b"www.example.org", "62.4.10.10", False),
        (b"62.4.10.11.nip.example", "62.4.10.10", False),
        (b"a--b.example", "2a01:cb00::10", False),
        (b"v4-10-10.example", "62.4.10.10", False),
    ],
)
def test_a_name_that_spells_the_address_says_nothing(name: bytes, address: str, spelled: bool) -> None:
    assert spells(name, packed(address)) == spelled


def test_two_owners_have_an_address_each_for_their_own_groups() -> None:
    of = learned(ban(), ban("google", groups=("laptops",)), ban("bytedance", id="more", groups=("laptops",)),
                 ban("google", id="most"))  # fmt: skip
    answers(of, BANNED, ADDRESS)
    (lesson,) = answers(of, COUSIN, ADDRESS)
    assert isinstance(lesson, Learn)
    assert sorted(outcomes(of)) == ["learned", "learned"]


def test_which_names_to_ask_for_before_an_address_is_banned() -> None:
    of = learned()
    of.take([BANNED], [ADDRESS], NOW + 300, NOW)
    names = [OTHER, b"m.tiktok.com", b"62.4.10.10.nip.example", COUSIN, BANNED]
    assert of.strangers(ADDRESS, names, NOW) == [OTHER, COUSIN]
    of.take([OTHER], [ADDRESS], NOW + 300, NOW)
    assert of.strangers(ADDRESS, names, NOW) == [COUSIN]
    assert of.strangers(SECOND, names, NOW) == []


def test_a_change_of_policy_frees_what_no_ban_is_about_and_what_others_have() -> None:
    of = learned(ban(), ban("google"))
    answers(of, BANNED, ADDRESS, SECOND)
    answers(of, COUSIN, SECOND)
    policy = Policy((ban(),), (), (), local_time)
    policy.refresh(NOW)
    of.claims = Claims(INDEX, policy)
    assert of.govern(NOW) == [SECOND]
    gone = {lesson.owner: lesson.last for lesson in of.settle(SECOND, (), NOW) if isinstance(lesson, Free)}
    assert gone == {TIKTOK: True, ("google/search",): True}
    of.claims = Claims(INDEX, Policy((), (), (), local_time))
    assert of.govern(NOW) == [ADDRESS, SECOND]
    assert [type(lesson) for lesson in of.settle(ADDRESS, (), NOW)] == [Free]
    assert of.keys == set()


def test_many_names_push_out_their_own_kind_only() -> None:
    of = learned()
    answers(of, OTHER, ADDRESS)
    for number in range(100):
        answers(of, b"%d.tiktok.com" % number, ADDRESS)
    assert outcomes(of) == ["guarded"]
    for number in range(100):
        answers(of, b"%d.example.org" % number, ADDRESS)
    assert outcomes(of) == ["guarded"]


def test_the_table_has_a_limit_and_what_leaves_it_leaves_the_kernel() -> None:
    of = learned(limit=3)
    for last in range(10):
        lessons = answers(of, BANNED, packed(f"62.4.11.{last}"))
        assert [type(lesson) for lesson in lessons] == ([Free, Learn] if last > 2 else [Learn])
    assert (len(of), of.evictions, of.count_learned(NOW)) == (3, 7, 3)
    assert len(of.keys) == 6
    of.limit = 1
    answers(of, BANNED, ADDRESS)
    assert (len(of), of.count_learned(NOW)) == (1, 1)


INSIDE = {BANNED, b"m.tiktok.com"}
NEVER_LEARNED = {OWN, CLOUD, FOREIGN, packed("10.1.1.1")}
names = st.sampled_from([*sorted(INSIDE), OTHER, COUSIN, b"dns.example", b"captive.apple.com"])
places = st.sampled_from([*TRANSLATED, SECOND, SIX, *sorted(NEVER_LEARNED)])
steps = st.lists(st.tuples(names, st.lists(places, max_size=3), st.integers(0, 400)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_an_address_is_banned_as_long_as_only_names_inside_the_ban_have_it(
    story: list[tuple[bytes, list[bytes], int]],
) -> None:
    """Whatever is answered and in whatever order, the kernel holds that and nothing else."""
    of = learned()
    held: dict[bytes, float] = {}
    fresh: dict[bytes, dict[bytes, float]] = {}
    now = NOW
    for name, addresses, wait in story:
        now += wait
        for address in map(of.learnable.plain, addresses):
            fresh.setdefault(address, {})[name] = now + 300
        for lesson in answers(of, name, *addresses, at=now - NOW):
            for key in lesson.keys:
                held[key] = lesson.until if isinstance(lesson, Learn) else 0.0
        for address in map(of.learnable.plain, addresses):
            having = {name for name, until in fresh[address].items() if until > now}
            wanted = bool(having) and having <= INSIDE and address not in NEVER_LEARNED
            assert all((held.get(key, 0.0) > now) == wanted for key in of.learnable.keys(address))
            assert all((key in of.keys) == wanted for key in of.learnable.keys(address))
