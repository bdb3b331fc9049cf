"""What a ban does now: each way in which it can never bite, and each in which it rests without a fault."""

from dataclasses import replace
from math import inf

import pytest
from catalog_tools import index_of

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, Vendor
from monitor.catalog.index import Index
from monitor.policy.ban import Ban, Subject, parse_subject
from monitor.policy.ban_conditions import EFFECTIVE, IDLE, INEFFECTIVE, OFF, WAITING, Conditions
from monitor.policy.ban_state import BanState, ban_states, next_turn
from monitor.policy.schedule import Schedule, weekly

NOON = 12 * 3600.0  # of a Monday
INDEX = index_of(
    ("name", "app.example.com", False, Owner("maker", "app", "maker")),
    ("name", "shop.example.org", True, Owner("maker", "shop", "maker")),
    ("prefix", "71.18.0.0/16", False, Owner("maker", "unknown", "maker")),
    ("name", "only.example.net", False, Owner("names", "unknown", "names")),
    ("prefix", "71.51.0.0/16", False, Owner("prefixes", "unknown", "prefixes")),
    ("prefix", "71.52.0.0/16", False, Owner("rented", "unknown", "rented", weak=True)),
    ("asn", "AS64500", False, Owner("network", "unknown", "network")),
    ("prefix", "71.53.0.0/16", False, Owner("relay", "unknown", "relay", category=True)),
    ("name", "time.apple.com", False, Owner("clocks", "unknown", "clocks")),
)
MEMBERS = {
    "staff": ("02:00:00:00:00:01",),
    "twins": ("02:00:00:00:00:01", "02:00:00:00:00:02"),
    "nobody": (),
    "guests": ("10.0.0.0/8",),
    "floor": ("10.1.0.0/16", "10.2.0.1/32"),
    "mixed": ("10.1.0.0/16", "02:00:00:00:00:03"),
    "world": ("0.0.0.0/0", "::/0"),
    "four": ("0.0.0.0/0",),
    "six": ("::/0",),
    "open": ("!10.0.0.5/32",),
    "hollow": ("10.1.0.0/16", "!10.0.0.0/8"),
    "void": ("!0.0.0.0/0", "!::/0"),
}
DAILY = frozenset(range(7))
NOW_OPEN = weekly(DAILY, 600, 840)
LATER = weekly(DAILY, 1080, 1200)


def clock(now: float) -> tuple[int, int]:
    minutes = int(now // 60)
    return minutes // 1440 % 7, minutes % 1440


def ban(*subjects: str, **fields: object) -> Ban:
    return replace(Ban("a", tuple(map(parse_subject, subjects)), mode="enforce"), **fields)


def state_of(one: Ban, paused_until: float = 0.0, disabled: bool = False, **conditions: object) -> BanState:
    given = replace(Conditions(INDEX, MEMBERS, frozenset(("staff",))), **conditions)
    return ban_states((one,), given, clock, NOON, paused_until, frozenset(("a",)) if disabled else frozenset())[0]


@pytest.mark.parametrize(
    ("one", "key", "words"),
    [
        (ban("tiktok"), "unknown", "no list knows 'tiktok'"),
        (ban("maker/tiktok"), "unknown", "no list knows 'maker/tiktok'"),
        (ban("category:maker"), "unknown", "no list knows 'category:maker'"),
        (ban("maker", groups=("nobody",)), "groups", "the group 'nobody' has no members"),
        (ban("maker", groups=("guests!guests",)), "groups", "the group 'guests' is meant and left out"),
        (ban("maker", groups=("!world",)), "groups", "'world' is left out, and nothing remains of everyone"),
        (ban("maker", groups=("!four!six",)), "groups", "'four', 'six' are left out, and nothing remains of everyone"),
        (ban("maker", groups=("floor!guests",)), "groups", "left out, and nothing remains of the group 'floor'"),
        (
            ban("maker", groups=("staff!twins",)),
            "groups",
            "'twins' is left out, and nothing remains of the group 'staff'",
        ),
        (ban("maker", groups=("hollow",)), "groups", "the group 'hollow' leaves out every member that it has"),
        (ban("maker", groups=("void",)), "groups", "the group 'void' leaves out every member that it has"),
        (ban("maker", layers=frozenset()), "layers", "without any layer nothing is stopped"),
        (ban("maker", layers=frozenset({"dns"}), on_failure="closed"), "layers", "the dns layer always fails open"),
        (
            ban("prefixes", layers=frozenset({"dns", "sni"})),
            "layers",
            "only 1 prefix of its own, on which dns, sni",
        ),
        (ban("rented"), "layers", "only 1 shared prefix"),
        (ban("network"), "layers", "only 1 AS number"),
        (ban("category:relay", layers=frozenset({"dns"})), "layers", "on which dns cannot act"),
        (ban("maker", schedule=Schedule(())), "schedule", "its schedule never occurs"),
        (ban("maker", until=NOON - 1), "until", "its end has passed"),
        (ban("maker", until=NOON + 60, schedule=LATER), "schedule", "it ends before its schedule begins"),
        (ban("names", allow=(b"example.net",)), "allow", "every name of 'names' is allowed or protected"),
        (ban("maker/app", allow=(b"app.example.com",)), "allow", "every name of 'maker/app'"),
        (ban("clocks"), "allow", "every name of 'clocks' is allowed or protected"),
    ],
)
def test_what_can_never_bite_is_ineffective_and_says_where_the_mistake_is(one: Ban, key: str, words: str) -> None:
    for mode in ("observe", "shadow", "enforce"):
        found = state_of(replace(one, mode=mode))
        assert found.state == INEFFECTIVE
        assert words in found.reason
        assert [pair.key for pair in found.pairs] == [key]


@pytest.mark.parametrize(
    "one",
    [
        ban("maker"),
        ban("maker", groups=("staff!guests",)),
        ban("maker", groups=("!guests",)),
        ban("maker", groups=("!four",)),
        ban("maker", groups=("!open",)),
        ban("maker/shop", layers=frozenset({"dns"})),
        ban("maker", allow=(b"example.com", b"example.org")),  # its own prefixes stay banned
        ban("maker/app", allow=(b"news.app.example.com",)),
        ban("names", layers=frozenset({"ip"})),  # the addresses of its names are learned
        ban("names", layers=frozenset({"dns", "ip"}), on_failure="closed"),
        ban("prefixes", layers=frozenset({"ip"})),
        ban("prefixes", layers=frozenset({"sni"}), blind="reject"),
        ban("network", layers=frozenset({"sni"}), blind="reject"),
        ban("category:relay", layers=frozenset({"sni"})),
        ban("maker", groups=("staff",)),
        ban("maker", groups=("!nobody",)),
        ban("maker", groups=("staff!nobody",)),
        ban("maker", schedule=NOW_OPEN, until=NOON + 60),
        ban("maker", mode="shadow"),
    ],
)
def test_what_can_bite_is_effective(one: Ban) -> None:
    found = state_of(one)
    assert (found.state, found.reason) == (EFFECTIVE, "")


def test_a_group_without_a_device_at_present_is_idle() -> None:
    found = state_of(ban("maker", groups=("staff", "guests")))
    assert [(pair.group, pair.state) for pair in found.pairs] == [("staff", EFFECTIVE), ("guests", IDLE)]
    assert found.state == EFFECTIVE
    assert state_of(ban("maker", groups=("guests",))).reason == "no device of the group was seen in the last hour"
    assert state_of(ban("maker", groups=("guests",)), seen=None).state == EFFECTIVE


def test_a_subject_of_a_list_that_was_not_fetched_waits() -> None:
    pending = {"newapp/chat": "list newapp was not fetched yet"}
    for subject in ("newapp/chat", "newapp"):
        found = state_of(ban(subject), pending=pending)
        assert (found.state, found.reason) == (WAITING, "list newapp was not fetched yet")
    assert state_of(ban("maker"), pending={"maker": "list more was not fetched yet"}).state == EFFECTIVE
    broken = state_of(ban("newapp"), broken={"newapp": "list newapp cannot be read"})
    assert (broken.state, broken.reason) == (INEFFECTIVE, "list newapp cannot be read")


def test_a_subject_that_a_list_knows_without_an_entry_is_ineffective() -> None:
    builder = IndexBuilder()
    builder.add_vendor(Vendor("empty", "Empty", "vendor", (("app", "App"),)))
    index = Index.load(builder.build())
    for subject in ("empty", "empty/app"):
        found = state_of(ban(subject), index=index)
        assert found.reason == f"the lists have no entry of '{subject}'"
        assert found.pairs[0].key == "vendors"
    assert state_of(ban("empty/shop"), index=index).pairs[0].key == "unknown"


@pytest.mark.parametrize(
    ("one", "paused", "disabled", "words"),
    [
        (ban("maker"), inf, False, "all bans are paused"),
        (ban("maker", schedule=LATER), 0.0, False, "outside its schedule"),
        (ban("maker", mode="observe"), 0.0, False, 'mode = "observe" only counts'),
        (ban("maker", until=NOON - 1), 0.0, True, "enabled = false"),
    ],
)
def test_what_rests_on_purpose_is_off(one: Ban, paused: float, disabled: bool, words: str) -> None:
    found = state_of(one, paused, disabled)
    assert (found.state, found.reason) == (OFF, words)


def test_a_mistake_shows_while_all_bans_are_paused() -> None:
    assert state_of(ban("tiktok"), inf).state == INEFFECTIVE


def test_a_ban_is_ineffective_where_every_layer_of_it_is_down() -> None:
    down = {"dns": "the dns layer is off: no answer"}
    assert state_of(ban("maker"), faults=down).state == EFFECTIVE
    found = state_of(ban("maker", layers=frozenset({"dns"})), faults=down)
    assert (found.state, found.reason) == (INEFFECTIVE, "the dns layer is off: no answer")
    assert found.pairs[0].key == "enforcement"
    nothing = dict.fromkeys(("dns", "sni", "ip"), "this host does not forward")
    assert state_of(ban("maker"), faults=nothing).reason == "this host does not forward"
    assert state_of(ban("maker", mode="observe"), faults=nothing).state == OFF


def test_a_ban_that_is_ineffective_in_part_says_so_as_a_whole() -> None:
    found = state_of(ban("maker", "tiktok", groups=("staff", "nobody")))
    assert [(pair.subject, pair.group, pair.state) for pair in found.pairs] == [
        ("maker", "staff", EFFECTIVE),
        ("maker", "nobody", INEFFECTIVE),
        ("tiktok", "staff", INEFFECTIVE),
        ("tiktok", "nobody", INEFFECTIVE),
    ]
    assert found.state == INEFFECTIVE
    assert found.reason == "the group 'nobody' has no members; no list knows 'tiktok'"


def test_what_no_list_knows_is_said_with_what_may_be_meant() -> None:
    line = "no list knows 'tiktok', the nearest is 'maker/tiktok'"
    assert state_of(ban("tiktok"), unknown={"tiktok": line}).reason == line


def test_when_a_ban_begins_or_ends_next() -> None:
    assert next_turn(ban("maker"), clock, NOON) == inf
    assert next_turn(ban("maker", schedule=LATER), clock, NOON) == NOON + 6 * 3600
    assert next_turn(ban("maker", schedule=NOW_OPEN), clock, NOON) == NOON + 2 * 3600
    assert next_turn(ban("maker", schedule=NOW_OPEN, until=NOON + 60), clock, NOON) == NOON + 60
    assert next_turn(Ban("a", (Subject("maker"),), until=NOON + 5), clock, NOON) == NOON + 5
