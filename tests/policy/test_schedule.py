"""Weekly windows: across midnight, across the week's end, and where the clock is set."""

from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.policy.schedule import ALWAYS, Schedule, Window, next_change, weekly

EVERY_DAY = frozenset(range(7))
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = weekly(frozenset(range(5)), 8 * 60, 18 * 60)
NIGHT = weekly(frozenset({4, 6}), 22 * 60, 6 * 60)
LESSONS = Schedule(
    (Window(frozenset(range(5)), 480, 720), Window(frozenset(range(5)), 720, 960), Window(frozenset({5})))
)


def berlin(now: float) -> tuple[int, int]:
    local = datetime.fromtimestamp(now, BERLIN)
    return local.weekday(), local.hour * 60 + local.minute


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("schedule", "weekday", "clock", "active"),
    [
        (OFFICE, 0, (7, 59), False),
        (OFFICE, 0, (8, 0), True),
        (OFFICE, 4, (17, 59), True),
        (OFFICE, 4, (18, 0), False),
        (OFFICE, 5, (12, 0), False),
        (NIGHT, 4, (21, 59), False),
        (NIGHT, 4, (22, 0), True),
        (NIGHT, 5, (5, 59), True),
        (NIGHT, 5, (6, 0), False),
        (NIGHT, 5, (22, 0), False),
        (NIGHT, 0, (3, 0), True),
        (NIGHT, 4, (3, 0), False),
        (LESSONS, 0, (12, 0), True),
        (LESSONS, 0, (16, 0), False),
        (LESSONS, 5, (0, 0), True),
        (LESSONS, 6, (0, 0), False),
        (ALWAYS, 6, (23, 59), True),
    ],
)
def test_a_window_holds_from_its_first_minute_to_its_last(
    schedule: Schedule, weekday: int, clock: tuple[int, int], active: bool
) -> None:
    assert schedule.active(weekday, clock[0] * 60 + clock[1]) is active


@pytest.mark.parametrize(
    ("schedule", "now", "change"),
    [
        (OFFICE, at("2026-11-20T17:30"), at("2026-11-20T18:00")),
        (OFFICE, at("2026-11-20T18:00"), at("2026-11-23T08:00")),
        (NIGHT, at("2026-11-20T23:10:42"), at("2026-11-21T06:00")),
        (ALWAYS, at("2026-11-20T00:00"), inf),
        (LESSONS, at("2026-11-19T08:30"), at("2026-11-19T16:00")),
        (LESSONS, at("2026-11-20T16:00"), at("2026-11-21T00:00")),
        (LESSONS, at("2026-11-21T12:00"), at("2026-11-22T00:00")),
        (weekly(frozenset()), at("2026-11-20T00:00"), inf),
        # The night in which an hour is left out, and the one in which an hour comes twice.
        (weekly(EVERY_DAY, 60, 300), at("2026-03-29T01:00"), at("2026-03-29T05:00")),
        (weekly(EVERY_DAY, 150, 300), at("2026-03-29T00:00"), at("2026-03-29T03:00")),
        (weekly(EVERY_DAY, 60, 300), at("2026-10-25T00:30"), at("2026-10-25T01:00")),
        (weekly(EVERY_DAY, 60, 300), at("2026-10-25T01:00"), at("2026-10-25T05:00")),
        (weekly(EVERY_DAY, 60, 150), at("2026-10-25T01:00"), at("2026-10-25T02:30")),
        (weekly(EVERY_DAY, 60, 150), at("2026-10-25T02:30"), at("2026-10-25T02:00", fold=1)),
        (OFFICE, at("2026-10-24T12:00"), at("2026-10-26T08:00")),
    ],
)
def test_the_next_change_is_when_the_clock_on_the_wall_says_so(schedule: Schedule, now: float, change: float) -> None:
    assert next_change(schedule, now, berlin) == change


windows = st.builds(Window, st.frozensets(st.integers(0, 6)), st.integers(0, 1439), st.integers(1, 1440)).filter(
    lambda window: window.start != window.end
)
schedules = st.builds(Schedule, st.lists(windows, max_size=3).map(tuple))


@given(schedules, st.integers(0, 6), st.integers(0, 1439))
def test_nothing_changes_before_the_next_change(schedule: Schedule, weekday: int, minute: int) -> None:
    ahead = schedule.minutes_to_change(weekday, minute)
    now = schedule.active(weekday, minute)
    for step in range(1, ahead or 7 * 1440):
        mark = (weekday * 1440 + minute + step) % (7 * 1440)
        assert schedule.active(*divmod(mark, 1440)) is now
    if ahead:
        mark = (weekday * 1440 + minute + ahead) % (7 * 1440)
        assert schedule.active(*divmod(mark, 1440)) is not now


@given(schedules)
def test_a_schedule_knows_whether_it_never_changes(schedule: Schedule) -> None:
    minutes = [schedule.active(*divmod(minute, 1440)) for minute in range(7 * 1440)]
    assert schedule.never_occurs() is not any(minutes)
    assert schedule.is_always() is all(minutes)


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (ALWAYS, "always"),
        (Schedule(()), "never"),
        (weekly(EVERY_DAY, 1440, 0), "never"),
        (OFFICE, "mon-fri 08:00-18:00"),
        (weekly(EVERY_DAY, 60, 300), "01:00-05:00"),
        (LESSONS, "mon-fri 08:00-12:00, mon-fri 12:00-16:00, sat"),
        (NIGHT, "fri,sun 22:00-06:00"),
        (weekly(frozenset({0, 1, 2, 4, 5}), 0, 720), "mon-wed,fri,sat 00:00-12:00"),
    ],
)
def test_a_schedule_is_written_as_the_configuration_has_it(schedule: Schedule, text: str) -> None:
    assert str(schedule) == text
