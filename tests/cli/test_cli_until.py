"""`--until`: a date, a date with time or a time of day, in the gateway's own time."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from monitor.cli.until import end_of
from monitor.errors import UsageError

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC).timestamp()  # 13:00 in Berlin, where clocks change that night


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-03-28", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("2026-03-29", datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("2026-12-31 18:00", datetime(2026, 12, 31, 17, tzinfo=UTC)),
        ("2026-12-31T18:00:30", datetime(2026, 12, 31, 17, 0, 30, tzinfo=UTC)),
        ("2026-12-31T18:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31T18:00+05:00", datetime(2026, 12, 31, 13, tzinfo=UTC)),
        ("13:30", datetime(2026, 3, 28, 12, 30, tzinfo=UTC)),
        ("13:00", datetime(2026, 3, 29, 11, 0, tzinfo=UTC)),
        (" 08:00 ", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
    ],
)
def test_an_end(text: str, end: datetime) -> None:
    assert end_of(text, NOW) == end.timestamp()


@pytest.mark.parametrize("text", ["", "tomorrow", "31.12.2026", "2026-13-01", "25:00", "13:30+01:00", "9999-12-31"])
def test_what_is_no_end(text: str) -> None:
    with pytest.raises(UsageError, match="--until: expected a date such as 2026-12-31"):
        end_of(text, NOW)


def test_what_has_passed_is_refused_with_its_zone() -> None:
    with pytest.raises(UsageError, match="--until: 2026-03-28 12:00:00 CET has passed"):
        end_of("2026-03-28 12:00", NOW)
