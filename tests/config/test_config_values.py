"""What the kinds of values mean."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.lines import KeyLines
from monitor.config.parse import parse
from monitor.config.subjects import device, member, name, target
from monitor.config.values import duration, endpoint, moment, schedule, size
from monitor.policy.schedule import Schedule


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90s", 90),
        ("5m", 300),
        ("24h", 86400),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m5", "-5m", "5y", "5m later"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "count"), [("64MiB", 67108864), ("10MB", 10_000_000), (4096, 4096), ("1 GiB", 2**30), ("7", 7)]
)
def test_sizes(text: str | int, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", Schedule()),
        ("mon-fri 08:00-18:00", Schedule(frozenset(range(5)), 480, 1080)),
        ("sat,sun", Schedule(frozenset({5, 6}))),
        ("fri-mon", Schedule(frozenset({4, 5, 6, 0}))),
        ("22:00-06:00", Schedule(start=1320, end=360)),
        ("Wed 00:00-24:00", Schedule(frozenset({2}), 0, 1440)),
    ],
)
def test_schedules(text: str, meaning: Schedule) -> None:
    assert schedule(text) == meaning


@pytest.mark.parametrize("text", ["mon-", "08:00", "8:00-9:00", "25:00-26:00", "mon 08:00-18:00 tue", "08:00-08:00"])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match="expected a schedule"):
        schedule(text)


def test_endpoints() -> None:
    assert str(endpoint("127.0.0.1:10053")) == "127.0.0.1:10053"
    assert str(endpoint("[::1]:80")) == "[::1]:80"
    assert not endpoint("").host


def test_a_date_lasts_until_its_end() -> None:
    assert moment(date(2026, 12, 31)) == pytest.approx(datetime(2027, 1, 1, tzinfo=UTC).timestamp(), abs=1)
    assert moment(datetime(2026, 12, 31, 12, tzinfo=UTC)) == datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()


def test_subjects_have_one_spelling() -> None:
    assert member("AA-BB-CC-DD-EE-FF") == "aa:bb:cc:dd:ee:ff"
    assert member("10.1.2.3") == "10.1.2.3/32"
    assert member("host:Gov-*") == "host:gov-*"
    assert device("FD00::0001") == "fd00::1"
    assert name("Bücher.Example.") == "xn--bcher-kva.example"
    assert target("category:encrypted-dns") == "category:encrypted-dns"


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = "[geo]\nasn = 'asn.mmdb'\n[events]\npath = '/var/log/eve.json'\n[[list]]\nname = 'a'\nurl = 'a.txt'\n"
    config = parse(text, str(tmp_path / "gatewatch.toml"))
    assert config.geo.asn == str(tmp_path / "asn.mmdb")
    assert config.events.path == "/var/log/eve.json"
    assert config.lists[0].url == str(tmp_path / "a.txt")
    assert parse("[events]\npath = '-'\n", "c.toml").events.path == "-"


def test_lines_are_found_behind_strings_comments_and_arrays() -> None:
    text = '''# [no]
[a] # header
s = """
[b]
t = 1
"""
u = [ # list
  "x = ]", 'y',
  [1, 2],
]
"v w".x = {y = 1, z = [2]}

[[c]]
k = 1
[[c]]
[c.d]
k = 2
[[c.e]]
k = 3
'''
    lines = KeyLines(text)
    expected = {
        ("a",): 2, ("a", "s"): 3, ("a", "u"): 7, ("a", "v w", "x"): 11, ("c", 0, "k"): 14, ("c", 1): 15,
        ("c", 1, "d", "k"): 17, ("c", 1, "e", 0, "k"): 19, ("c", 1, "e", 0, "missing"): 18, ("b",): 0,
    }  # fmt: skip
    assert {path: lines.line(path) for path in expected} == expected


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20)))
def test_any_strings_leave_the_lines_right(values: list[str]) -> None:
    text = "".join(f"k{at} = {json.dumps(value)}\n" for at, value in enumerate(values))
    lines = KeyLines(text)
    assert [lines.line((f"k{at}",)) for at in range(len(values))] == list(range(1, len(values) + 1))
