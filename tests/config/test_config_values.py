"""What the kinds of values mean."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.lines import KeyLines
from monitor.config.parse import parse
from monitor.config.schedule import schedule
from monitor.config.subjects import device, member, name, target
from monitor.config.values import duration, endpoint, moment, size
from monitor.policy.schedule import Schedule, Window, weekly

EVERY_DAY = frozenset(range(7))
WORK = frozenset(range(5))


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
        ("mon-fri 08:00-18:00", weekly(frozenset(range(5)), 480, 1080)),
        ("sat,sun", weekly(frozenset({5, 6}))),
        ("fri-mon", weekly(frozenset({4, 5, 6, 0}))),
        ("22:00-06:00", weekly(EVERY_DAY, 1320, 360)),
        ("Wed 00:00-24:00", weekly(frozenset({2}), 0, 1440)),
        ("8-16", weekly(EVERY_DAY, 480, 960)),
        ("8:00-16:30", weekly(EVERY_DAY, 480, 990)),
        ("weekdays 22-24", weekly(WORK, 1320, 1440)),
        ("Weekend", weekly(frozenset({5, 6}))),
        ("Monday - Friday 8 \u2013 16", weekly(WORK, 480, 960)),
        ("Sundays", weekly(frozenset({6}))),
        ("mon-fri 8-12, 13-16", Schedule((Window(WORK, 480, 720), Window(WORK, 780, 960)))),
        ("mon-fri 8-12 13-16", Schedule((Window(WORK, 480, 720), Window(WORK, 780, 960)))),
        ("mon, wed 8-12, sat", Schedule((Window(frozenset({0, 2}), 480, 720), Window(frozenset({5}))))),
        (["weekdays 8-16", "sat 10-12"], Schedule((Window(WORK, 480, 960), Window(frozenset({5}), 600, 720)))),
    ],
)
def test_schedules(text: object, meaning: Schedule) -> None:
    assert schedule(text) == meaning


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mon-", "'' is no day"),
        ("montag", "'montag' is no day"),
        ("08:00", "no span of hours"),
        ("25:00-26:00", "no time of day"),
        ("8am-4pm", "no time of day"),
        ("8:60-9", "no time of day"),
        ("mon 08:00-18:00 tue", "days come before their hours"),
        ("08:00-18:00 mon-fri", "days come before their hours"),
        ("08:00-18:00, mon-fri", "some hours have days and some have none"),
        ("mon,,tue", "nothing between two commas"),
        ("08:00-08:00", "begins and ends at the same minute"),
        (["mon", 5], "list of such strings"),
        (8, "list of such strings"),
        ([], "has no window"),
        ("24:00-0:00", "never occurs"),
    ],
)
def test_what_is_no_schedule(text: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        schedule(text)


def test_endpoints() -> None:
    assert str(endpoint("127.0.0.1:10053")) == "127.0.0.1:10053"
    assert str(endpoint("[::1]:80")) == "[::1]:80"
    assert not endpoint("").host


def test_a_date_lasts_until_its_end() -> None:
    assert moment(date(2026, 12, 31)) == pytest.approx(datetime(2027, 1, 1, tzinfo=UTC).timestamp(), abs=1)
    assert moment(datetime(2026, 12, 31, 12, tzinfo=UTC)) == datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()


def test_a_date_may_be_in_quotes() -> None:
    assert moment("2026-12-04") == moment(date(2026, 12, 4))
    assert moment("2026-12-04T18:00:00+01:00") == datetime(2026, 12, 4, 17, tzinfo=UTC).timestamp()
    assert moment("20261204") == moment("2026-W49-5") == moment(date(2026, 12, 4))
    assert moment(" 2026-12-04 18:00 ") == moment(datetime(2026, 12, 4, 18))
    with pytest.raises(ValueError, match="such as 2026-12-31, without quotes, got '4 December'"):
        moment("4 December")


def test_subjects_have_one_spelling() -> None:
    assert member("AA-BB-CC-DD-EE-FF") == "aa:bb:cc:dd:ee:ff"
    assert member("10.1.2.3") == "10.1.2.3/32"
    assert member(" 10.1.2.3 ") == member("::ffff:10.1.2.3") == "10.1.2.3/32"
    assert member("fe80::1%eth0") == "fe80::1/128"
    assert member("host:Gov-*") == "host:gov-*"
    assert device("FD00::0001") == bytes.fromhex("fd00000000000000" + "0000000000000001")
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
