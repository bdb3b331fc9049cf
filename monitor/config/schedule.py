"""Parses schedules: `mon-fri 8-12, 13:00-16:00`, `weekend`, `22:00-06:00`. Raises a one-line ValueError."""

import re
from typing import Final

from monitor.policy.schedule import DAY_MINUTES, DAYS, Schedule, Window

_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OTHERS: Final = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_DAY: Final = {
    **{name: day for names in (DAYS, _LONG) for day, name in enumerate(names)},
    **{f"{name}s": day for day, name in enumerate(_LONG)},
    **_OTHERS,
}
_EVERY_DAY: Final = frozenset(range(7))
_DAY_SETS: Final = {
    "weekday": frozenset(range(5)), "weekdays": frozenset(range(5)), "workdays": frozenset(range(5)),
    "weekend": frozenset((5, 6)), "weekends": frozenset((5, 6)), "daily": _EVERY_DAY,
}  # fmt: skip
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3])(?::([0-5]\d))?|24(?::00)?")
_RANGE_MARK: Final = re.compile(r"\s*[-\u2010-\u2014]\s*")  # also dashes that word processors make of a hyphen
_EXAMPLES: Final = "'mon-fri 08:00-18:00', 'weekdays 8-12, 13-16' or 'weekend'"


class SchedulePart:
    """Days, and the hours that apply to them: each span of hours on these days is a window."""

    def __init__(self) -> None:
        self.days: list[frozenset[int]] = []
        self.hours: list[tuple[int, int]] = []

    def windows(self) -> list[Window]:
        days = frozenset[int]().union(*self.days) if self.days else _EVERY_DAY
        return [Window(days, start, end) for start, end in self.hours or [(0, DAY_MINUTES)]]


def schedule(value: object) -> Schedule:
    """Parses a string or a list of strings, each of which may contain several windows; `""` means always.

    Commas separate days, hours and windows; hours apply to the days before them.
    """
    texts = value if isinstance(value, list) else [value]
    windows: list[Window] = []
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"expected a schedule such as {_EXAMPLES}, or a list of such strings")
        windows += windows_of(text)
    if not windows:
        raise ValueError("the schedule has no window: leave the key out for always, or write enabled = false")
    found = Schedule(tuple(dict.fromkeys(windows)))
    if found.never_occurs():
        raise ValueError(f"the schedule '{value}' never occurs: no minute of the week is inside it")
    return found


def windows_of(text: str) -> list[Window]:
    try:
        parts = parts_of(text)
    except ValueError as error:
        reason = f": {error}" if error.args else ""
        raise ValueError(f"expected a schedule such as {_EXAMPLES}, got '{text}'{reason}") from None
    return [window for part in parts for window in part.windows()]


def parts_of(text: str) -> list[SchedulePart]:
    """Splits a schedule at its commas into parts, each with its days and hours. Raises ValueError with the reason."""
    pieces = _RANGE_MARK.sub("-", text.strip().lower()).replace(";", ",").split(",")
    parts = [SchedulePart()]
    if pieces == [""]:
        return parts
    for piece in pieces:
        words = piece.split()
        if not words:
            raise ValueError("nothing between two commas")
        for at, word in enumerate(words):
            if not word[0].isalpha():
                parts[-1].hours.append(hours_of(word))
                continue
            days = days_of(word)
            if at and parts[-1].hours:
                raise ValueError("days come before their hours, and a comma before the next days")
            if parts[-1].hours:
                parts.append(SchedulePart())
            parts[-1].days.append(days)
    if len(parts) > 1 and not all(part.days for part in parts):
        raise ValueError("some hours have days and some have none")
    return parts


def days_of(word: str) -> frozenset[int]:
    if word in _DAY_SETS:
        return _DAY_SETS[word]
    first, dash, last = word.partition("-")
    for name in (first, last if dash else first):
        if name not in _DAY:
            raise ValueError(f"'{name}' is no day of the week")
    begin, end = _DAY[first], _DAY[last if dash else first]
    return frozenset(day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0)))


def hours_of(word: str) -> tuple[int, int]:
    """Converts `8-16` to minutes of the day: the first minute, and the minute after the last."""
    first, dash, last = word.partition("-")
    if not dash:
        raise ValueError(f"'{word}' is no span of hours such as 8-16 or 08:00-16:00")
    start, end = _minute(first), _minute(last)
    if start == end:
        raise ValueError(f"'{word}' begins and ends at the same minute, 00:00-24:00 is the whole day")
    return start, end


def _minute(text: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"'{text}' is no time of day such as 8 or 08:00, from 0:00 to 24:00")
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes or 0)
