"""What the core notes for the journal: the same as its counters say, each once, and no name outside the catalogue."""

import pytest
from cast import (
    BYTEDANCE_OWN,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    START,
    STRANGER,
    TIKTOK,
    connection,
    exchange,
    gateway,
    lease,
    packed,
    resolves,
    small_index,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_invariants import Step, stories

from monitor.attribution.counters import UNKNOWN
from monitor.core.books.diary import NoteRow
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, NONE, PACKETS, PSEUDONYM, Settings
from monitor.limits import Limits
from monitor.model import FLOW_END, FLOW_NEW, Observation
from monitor.policy.ban import Ban, parse_subject
from monitor.policy.policy import Policy

ALL = 1_000_000


def keeping(wanted: Settings | None = None, more: dict[str, str] | None = None) -> Gateway:
    watched = gateway(wanted, small_index(more))
    watched.keep_notes(True)
    return watched


def noted(story: list[Observation], watched: Gateway | None = None) -> list[NoteRow]:
    watched = watched or keeping()
    watched.feed(story, START + 1)
    watched.close(START + 100)
    return watched.take_notes(ALL)


def banning(mode: str = "enforce") -> Gateway:
    watched = keeping()
    ban = Ban("b", (parse_subject("bytedance"),), (), mode)
    watched.govern(Policy([ban], [], [], lambda now: (0, 0)), START)
    return watched


def test_a_note_says_who_exchanged_what_by_which_name() -> None:
    story: list[Observation] = [lease(PHONE_MAC, PHONE, "anns-phone")]
    story += exchange(PHONE, TIKTOK, "www.tiktok.com") + exchange(PHONE, TIKTOK, "m.tiktok.com", 1, (40001, 443))
    (row,) = noted(story)
    assert row == NoteRow(
        PHONE_MAC.hex(":"), "anns-phone", (PHONE,), "none", "bytedance", "tiktok", "sni", 1200, 10_200, 2, 0, 0,
        START, START + 1.4, ("www.tiktok.com", "m.tiktok.com"),
    )  # fmt: skip


def test_names_outside_the_catalogue_are_never_noted() -> None:
    story = exchange(PHONE, STRANGER, "my-illness.example")
    story += exchange(PHONE, BYTEDANCE_OWN, "private.example", 1, (40001, 443))
    story += resolves(PHONE, "blog.example", TIKTOK, 2, through="x.tiktokcdn.com")
    story += exchange(PHONE, TIKTOK, "blog.example", 3, (40002, 443))
    rows = noted(story)
    names = {(row.vendor, row.evidence): row.names for row in rows}
    assert names["unknown", "none"] == ()
    assert names["bytedance", "prefix"] == ()
    assert names["bytedance", "dns"] == ("x.tiktokcdn.com",)
    assert "example" not in str(rows)


def test_a_note_is_taken_once_and_another_one_goes_on() -> None:
    watched = keeping()
    story = exchange(PHONE, TIKTOK, "www.tiktok.com")
    watched.feed(story[:4], START + 5)
    first = watched.take_notes(ALL)
    watched.feed(story[4:], START + 6)
    watched.close(START + 100)
    second = watched.take_notes(ALL)
    assert [row.flows for row in (*first, *second)] == [1, 0]
    assert sum(row.bytes_up + row.bytes_down for row in (*first, *second)) == 600 + 5_100
    assert watched.take_notes(ALL) == []


@pytest.mark.parametrize("flows", [PACKETS, CONNTRACK])
def test_a_clock_that_is_set_back_and_forth_by_a_day_loses_and_doubles_nothing(flows: str) -> None:
    watched = keeping(Settings(flows=flows))
    rows: list[NoteRow] = []
    for number, at in enumerate((0.0, 86_400.0, 10.0, 86_420.0, 20.0)):
        port = 40_000 + number
        if flows == PACKETS:
            watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com", at, (port, 443)), START + at + 1)
        else:
            ends = (
                connection(state, 600, 5_100, at, ports=(port, 443), number=number) for state in (FLOW_NEW, FLOW_END)
            )
            watched.feed([*ends], START + at + 1)
        watched.tick(START + at + 5)
        rows += watched.take_notes(ALL)
    watched.close(START + 86_500)
    rows += watched.take_notes(ALL)
    assert (sum(row.flows for row in rows), sum(row.bytes_up for row in rows)) == (5, 3_000)
    assert sum(row.bytes_down for row in rows) == 25_500


def test_nothing_is_noted_where_nobody_keeps_a_journal() -> None:
    watched = gateway()
    assert noted(exchange(PHONE, TIKTOK, "www.tiktok.com"), watched) == []
    assert watched.table_sizes()["notes"] == 0


def test_a_full_diary_counts_what_it_could_not_take() -> None:
    watched = keeping(Settings(limits=Limits(notes=1)))
    story = exchange(PHONE, TIKTOK, "www.tiktok.com")
    story += exchange(LAPTOP, TIKTOK, "www.tiktok.com", 1, mac=LAPTOP_MAC)
    assert [row.device for row in noted(story, watched)] == [PHONE_MAC.hex(":")]
    assert watched.evictions()["notes"] > 0


def test_devices_are_named_as_privacy_says() -> None:
    story: list[Observation] = [lease(PHONE_MAC, PHONE, "anns-phone")]
    story += exchange(PHONE, TIKTOK, "www.tiktok.com")
    wanted = Settings(device=PSEUDONYM, pseudonym_key=b"k" * 16)
    (row,) = noted(story, keeping(wanted))
    (again,) = noted(story, keeping(wanted))
    (other,) = noted(story, keeping(Settings(device=PSEUDONYM, pseudonym_key=b"x" * 16)))
    assert row.device == again.device != other.device
    for one in (row, noted(story, keeping(Settings(device=NONE)))[0]):
        assert (one.hostname, one.addresses) == ("", ())
        assert PHONE_MAC.hex(":") not in str(one)
        assert PHONE not in str(one)


def test_a_flow_that_a_ban_cuts_is_blocked() -> None:
    (row,) = noted(exchange(PHONE, TIKTOK, "www.tiktok.com"), banning())
    assert (row.blocked, row.leaked, row.names) == (1, 0, ("www.tiktok.com",))


def test_a_question_that_the_sinkhole_refuses_is_blocked() -> None:
    watched = banning()
    address = packed(PHONE)
    for name in (b"www.tiktok.com", b"www.tiktok.com", b"m.tiktok.com"):
        verdict = watched.answer_policy(address, name, START).verdict
        assert verdict is not None
        watched.note_refused(address, name, verdict, START)
    (row,) = watched.take_notes(ALL)
    assert (row.vendor, row.service, row.evidence) == ("bytedance", "tiktok", "dns")
    assert (row.blocked, row.names) == (3, ("www.tiktok.com", "m.tiktok.com"))


def test_what_passes_a_ban_is_leaked_to_the_byte() -> None:
    watched = banning()
    story = resolves(LAPTOP, "www.tiktok.com", TIKTOK, mac=LAPTOP_MAC) + exchange(PHONE, TIKTOK, "", 1)
    rows = [row for row in noted(story, watched) if row.vendor == "bytedance"]
    leaked = watched.snapshot()["leaked_bytes_total"]
    assert sum(row.leaked for row in rows) == sum(leaked.values()) > 0


def test_a_ban_in_shadow_blocks_nothing() -> None:
    rows = noted(exchange(PHONE, TIKTOK, "www.tiktok.com"), banning("shadow"))
    assert [(row.blocked, row.leaked) for row in rows] == [(0, 0)]


@settings(max_examples=60, deadline=None)
@given(stories(), st.integers(1, 5))
def test_the_notes_say_what_the_counters_say(steps: list[Step], size: int) -> None:
    watched = keeping()
    rows: list[NoteRow] = []
    for at, story in steps:
        watched.feed(story, START + at)
        rows += watched.take_notes(size)
    watched.close(START + 10_000)
    rows += watched.take_notes(ALL)
    sums: dict[tuple[str, ...], float] = {}
    flows: dict[tuple[str, ...], float] = {}
    for row in rows:
        assert row.vendor != UNKNOWN or row.names == ()
        key = (row.vendor, row.service, row.group)
        for direction, value in (("up", row.bytes_up), ("down", row.bytes_down)):
            place = (*key, direction, row.evidence)
            sums[place] = sums.get(place, 0.0) + value
        flows[*key, row.evidence] = flows.get((*key, row.evidence), 0.0) + row.flows
    samples = watched.snapshot()
    assert some(sums) == some(samples["flow_bytes_total"])
    assert some(flows) == some(samples["flows_total"])


def some(series: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {key: value for key, value in series.items() if value}
