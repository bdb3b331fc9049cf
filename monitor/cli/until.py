"""`--for` and `--until`: how long something holds, or its end in local time."""

import time as clock
from argparse import Namespace
from datetime import date, datetime, time, timedelta

from monitor.config.values import duration
from monitor.errors import UsageError


def span_arguments(arguments: Namespace) -> dict[str, object]:
    """Returns the request's arguments: `for` in seconds, or `until` in seconds since the epoch. Raises UsageError."""
    if arguments.until is not None:
        return {"until": end_of(arguments.until, clock.time())}
    return {"for": seconds(arguments.span)}


def seconds(span: str | None) -> float | None:
    """Returns None if `--for` is not given. Raises UsageError."""
    if span is None:
        return None
    try:
        return duration(span)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


def end_of(text: str, now: float) -> float:
    """Parses `2026-12-31`, `2026-12-31 18:00`, `18:00` or an ISO 8601 date-time with an offset, into epoch seconds.

    A date means its last moment, a time of day its next occurrence; without an offset, local time. Raises UsageError.
    """
    end = moment_of(text.strip(), now)
    if end is None:
        wanted = "a date such as 2026-12-31, a date and time such as 2026-12-31 18:00, or a time such as 18:00"
        raise UsageError(f"--until: expected {wanted}, got '{text}'")
    if end <= now:
        passed = clock.strftime("%Y-%m-%d %H:%M:%S %Z", clock.localtime(end))
        raise UsageError(f"--until: {passed} has passed")
    return end


def moment_of(text: str, now: float) -> float | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return local_midnight_after(day)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return next_time(text, now)
    try:
        return moment.timestamp()  # without an offset: local time
    except (OverflowError, OSError, ValueError):
        return None


def next_time(text: str, now: float) -> float | None:
    """Returns the next occurrence of this time of day."""
    try:
        wanted = time.fromisoformat(text)
    except ValueError:
        return None
    if wanted.tzinfo is not None:
        return None
    day = date.fromtimestamp(now)
    today = datetime.combine(day, wanted).timestamp()
    return today if today > now else datetime.combine(day + timedelta(days=1), wanted).timestamp()


def local_midnight_after(day: date) -> float | None:
    try:
        return datetime.combine(day + timedelta(days=1), time.min).timestamp()
    except (OverflowError, OSError, ValueError):
        return None
