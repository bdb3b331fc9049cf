"""When a ban is in force: weekly windows in local time.

The caller provides local time through `LocalTime`, because this module reads neither the clock nor zone files. A window
follows the wall clock, also in the hour that daylight saving time repeats and in the hour that it skips.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, inf
from typing import Final, TypeAlias

# Maps seconds since the epoch to the weekday (0: Monday) and the minute of the local day.
LocalTime: TypeAlias = Callable[[float], tuple[int, int]]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 1440
WEEK_MINUTES: Final = 7 * DAY_MINUTES
# No zone change shifts the clock by more than a day (RFC 9636 section 3.2 bounds offsets).
SHIFT_MINUTES: Final = 26 * 60


@dataclass(frozen=True)
class Window:
    """Days of the week (0 is Monday) and minutes of the local day. With `end` before `start`, it continues past
    midnight.

    A window belongs to the day on which it begins: `fri 22:00-06:00` is active on Saturday at five.
    """

    days: frozenset[int] = frozenset(range(7))
    start: int = 0
    end: int = DAY_MINUTES

    def active(self, weekday: int, minute: int) -> bool:
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return weekday in self.days
        return minute < self.end and (weekday - 1) % 7 in self.days

    def __str__(self) -> str:
        """Returns the form of the configuration: `mon-fri 08:00-16:00`."""
        days = "" if len(self.days) == len(DAYS) else days_text(self.days)
        whole = (self.start, self.end) == (0, DAY_MINUTES)
        clock = "" if whole and days else f"{clock_text(self.start)}-{clock_text(self.end)}"
        return " ".join([part for part in (days, clock) if part])


@dataclass(frozen=True)
class Schedule:
    """A ban with this schedule is in force while one of the windows is active."""

    windows: tuple[Window, ...] = (Window(),)

    def active(self, weekday: int, minute: int) -> bool:
        return any(window.active(weekday, minute) for window in self.windows)

    def minutes_to_change(self, weekday: int, minute: int) -> int:
        """Returns the minutes until `active` changes on a clock without steps; 0 if it never changes."""
        state = self.active(weekday, minute)
        marks = {0}
        for window in self.windows:
            marks |= {window.start % DAY_MINUTES, window.end % DAY_MINUTES}
        ordered = sorted(marks)
        for day in range(9):
            for mark in ordered:
                ahead = day * DAY_MINUTES + mark - minute
                if ahead > 0 and self.active((weekday + day) % 7, mark) != state:
                    return ahead
        return 0

    def never_occurs(self) -> bool:
        """Whether no minute of the week is inside a window: a ban with this schedule has no effect."""
        return not self.active(0, 0) and not self.minutes_to_change(0, 0)

    def is_always(self) -> bool:
        """Whether every minute of the week is inside a window."""
        return self.active(0, 0) and not self.minutes_to_change(0, 0)

    def __str__(self) -> str:
        """Returns `always`, `never`, or the windows separated by commas, in the form of the configuration."""
        if self.is_always():
            return "always"
        return "never" if self.never_occurs() else ", ".join([str(window) for window in self.windows])


def weekly(days: frozenset[int], start: int = 0, end: int = DAY_MINUTES) -> Schedule:
    """Returns a schedule of one window: days (0 is Monday), first minute of the day, minute after the last."""
    return Schedule((Window(days, start, end),))


def days_text(days: frozenset[int]) -> str:
    """Returns `mon-fri` or `mon,wed`: three or more consecutive days become a range."""
    parts: list[str] = []
    at = 0
    while at < len(DAYS):
        last = at
        while last + 1 in days and at in days:
            last += 1
        if at in days:
            parts += [f"{DAYS[at]}-{DAYS[last]}"] if last > at + 1 else [DAYS[day] for day in range(at, last + 1)]
        at = last + 1
    return ",".join(parts)


def clock_text(minute: int) -> str:
    """Returns a minute of the day as `08:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"


ALWAYS: Final = Schedule()


def next_change(schedule: Schedule, now: float, local_time: LocalTime) -> float:
    """Returns when `active` changes next, in seconds since the epoch; infinite if it never changes."""
    weekday, minute = local_time(now)
    ahead = schedule.minutes_to_change(weekday, minute)
    if not ahead:
        return inf
    start = floor(now / 60.0) * 60.0
    due = start + ahead * 60.0
    mark = (weekday * DAY_MINUTES + minute + ahead) % WEEK_MINUTES
    if local_time(due) == (mark // DAY_MINUTES, mark % DAY_MINUTES):
        return due
    return first_change(schedule, start, ahead + SHIFT_MINUTES, local_time)


def first_change(schedule: Schedule, start: float, minutes: int, local_time: LocalTime) -> float:
    """As `next_change`, but minute by minute, for the few weeks in which local time is shifted."""
    weekday, minute = local_time(start)
    state = schedule.active(weekday, minute)
    for ahead in range(1, minutes + 1):
        weekday, minute = local_time(start + ahead * 60.0)
        if schedule.active(weekday, minute) != state:
            return start + ahead * 60.0
    return start + minutes * 60.0
