"""`report` over a journal that was written before: as table, JSON and CSV, with and without rights to write there."""

import csv
import io
import json
import os
import re
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from privileges import as_nobody
from shell import Ran, gatewatch

from monitor.core.books.diary import NoteRow
from monitor.journal.journal import Journal

pytestmark = pytest.mark.slow

NOW = time.time()
TODAY = date.today()
PHONE = "02:00:0b:00:00:07"
ROW = NoteRow(
    PHONE, "anns-phone", ("192.168.1.7",), "students", "bytedance", "tiktok", "sni", 2_048, 5_000_000, 3, 0, 0,
    NOW - 60, NOW, ("www.tiktok.com", "m.tiktok.com", "v.tiktok.com"),
)  # fmt: skip
BLOCKED = replace(ROW, evidence="dns", bytes_up=0, bytes_down=0, flows=0, blocked=12, names=("m.tiktok.com",))
FORMULA = replace(ROW, device="", hostname="", addresses=(), vendor="google", group="none", names=("=1+1.google.com",))
STRANGER = replace(ROW, device="192.168.1.9", hostname="", vendor="unknown", service="unknown", evidence="none")
FIELDS = (
    "day", "device", "hostname", "addresses", "group", "vendor", "service", "evidence", "bytes_up", "bytes_down",
    "flows", "blocked", "leaked", "first", "last", "names", "random_mac",
)  # fmt: skip


ABSENT = "it is not in the catalogue, which `gatewatch catalog` lists"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose state directory holds a journal of today and of nine days ago."""
    journal = Journal(str(tmp_path / "state"), 1 << 24, 30, lambda line: None)
    journal.start()
    journal.put(TODAY.isoformat(), [ROW, BLOCKED, FORMULA, replace(STRANGER, bytes_down=10**9, names=())])
    journal.put((TODAY - timedelta(days=9)).isoformat(), [replace(ROW, leaked=512)])
    journal.close(30)
    file = tmp_path / "gatewatch.toml"
    file.write_text(f'[state]\npath = "{tmp_path / "state"}"\n')
    return file


def report(config: Path, *arguments: object) -> Ran:
    return gatewatch("report", "--config", config, *arguments)


def rows(ran: Ran) -> list[dict[str, Any]]:
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)["rows"]


def test_the_table_has_a_line_a_day_device_and_service(config: Path) -> None:
    ran = report(config, "--since", "30d")
    assert (ran.code, ran.err) == (0, "")
    lines = [re.split("  +", line) for line in ran.out.splitlines()]
    assert lines[0] == [
        f"DAY ({time.strftime('%Z')})", "DEVICE", "GROUP", "VENDOR", "SERVICE", "UPLOAD", "DOWNLOAD", "FLOWS",
        "BLOCKED", "LEAKED", "EVIDENCE", "NAMES",
    ]  # fmt: skip
    assert [(line[0], line[1], line[3]) for line in lines[1:]] == [
        (str(TODAY), "anns-phone (random)", "bytedance"), (str(TODAY), "-", "google"),
        (str(TODAY), "192.168.1.9", "unknown"), (str(TODAY - timedelta(days=9)), "anns-phone (random)", "bytedance"),
    ]  # fmt: skip
    phone = lines[1]
    assert phone[4:9] == ["tiktok", "2.0 KiB", "4.8 MiB", "3", "12"]
    assert phone[10:] == ["sni dns", "www.tiktok.com m.tiktok.com +1"]
    assert "512" in lines[4][9]


def test_json_is_one_object_with_rows(config: Path) -> None:
    found = rows(report(config, "--json", "--vendor", "bytedance"))
    assert [(row["evidence"], row["blocked"], row["bytes_down"]) for row in found] == [
        ("sni", 0, 5_000_000), ("dns", 12, 0),
    ]  # fmt: skip
    assert all(row["random_mac"] for row in found)
    assert tuple(found[0]) == FIELDS
    assert found[0]["names"] == ["www.tiktok.com", "m.tiktok.com", "v.tiktok.com"]
    assert found[0]["addresses"] == ["192.168.1.7"]
    assert [row["vendor"] for row in rows(report(config, "--json", "--group", "none"))] == ["google"]
    assert rows(report(config, "--json", "--vendor", "bytedance/capcut")) == []
    assert len(rows(report(config, "--json", "--since", str(TODAY - timedelta(days=9))))) == 5


def test_csv_has_a_head_and_no_formulas(config: Path) -> None:
    ran = report(config, "--csv")
    head, *found = csv.reader(io.StringIO(ran.out))
    assert tuple(head) == FIELDS
    assert len(found) == 4
    assert next(row for row in found if row[5] == "google")[-2:] == ["'=1+1.google.com", "False"]
    assert all(len(row) == len(FIELDS) for row in found)


@pytest.mark.root
def test_who_may_read_only_gets_the_same(config: Path) -> None:
    folder = config.parent / "state"
    os.chmod(folder, 0o755)
    ran = gatewatch("report", "--config", config, "--json", prefix=as_nobody())
    assert len(rows(ran)) == 4
    assert sorted(path.name for path in folder.iterdir()) == ["journal.db"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--since", "soon"), 2, "--since: expected a time such as 7d or a date such as 2026-12-31, got 'soon'"),
        (("--vendor", "a/b/c"), 2, f"--vendor: no list knows 'a/b/c', {ABSENT}"),
        (("--vendor", "wibblr"), 2, f"--vendor: no list knows 'wibblr', {ABSENT}"),
        (("--vendor", "titkok"), 2, "--vendor: no list knows 'titkok', the nearest is 'bytedance/tiktok'"),
        (("--service", "titkok"), 2, "--service: no list knows 'titkok', the nearest is 'bytedance/tiktok'"),
        (("--service", "google"), 2, "--service: 'google' is the vendor 'google': use --vendor"),
        (("--vendor", "tiktok", "--service", "tiktok"), 2, "--service: 'tiktok' is a service itself"),
        (("--group", "student"), 2, "--group: no group 'student', the nearest is 'students'"),
        (("--group", "nobody"), 2, "--group: no group 'nobody', there are students"),
    ],
)
def test_what_makes_no_sense_is_said(config: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    ran = report(config, *arguments)
    assert (ran.code, ran.complaints) == (code, [words])


def test_where_there_is_no_journal(config: Path) -> None:
    journal = config.parent / "state" / "journal.db"
    journal.write_bytes(b"no database at all" * 500)
    ran = report(config)
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints == [f"the journal {journal} is damaged: file is not a database"]
    journal.unlink()
    assert report(config).complaints == [f"no journal at {journal}: the daemon creates one when it starts"]


def test_nothing_yet(config: Path) -> None:
    ran = report(config, "--since", str(TODAY + timedelta(days=1)))
    assert ran.out == f"no traffic since {TODAY + timedelta(days=1)}; the daemon writes the journal once a minute\n"


@pytest.mark.parametrize(
    ("arguments", "vendors", "notes"),
    [
        (("--vendor", "TikTok"), {"bytedance/tiktok"}, ["TikTok is bytedance/tiktok"]),
        (("--vendor", "https://tiktok.com/x"), {"bytedance/tiktok"}, ["https://tiktok.com/x is bytedance/tiktok"]),
        (("--vendor", "谷歌"), {"google/tiktok"}, ["谷歌 is google"]),
        (
            ("--vendor", "bytedance", "--service", "tik-tok"), {"bytedance/tiktok"},
            ["bytedance/tik-tok is bytedance/tiktok"],
        ),
        (("--service", "tiktok"), {"bytedance/tiktok", "google/tiktok"}, []),
        (("--vendor", "unknown"), {"unknown/unknown"}, []),
        (("--vendor", "old-list"), {"old-list/unknown"}, []),
        (("--vendor", "old-list/unknown"), {"old-list/unknown"}, []),
        (("--vendor", "google/youtube"), set(), []),
        (("--group", "none"), {"google/tiktok"}, []),
    ],
)  # fmt: skip
def test_a_vendor_is_named_by_any_word_also_one_that_only_the_journal_has(
    config: Path, arguments: tuple[str, ...], vendors: set[str], notes: list[str]
) -> None:
    journal = Journal(str(config.parent / "state"), 1 << 24, 30, lambda line: None)
    journal.start()
    journal.put(TODAY.isoformat(), [replace(ROW, vendor="old-list", service="unknown")])
    journal.close(30)
    ran = report(config, "--json", *arguments)
    assert (ran.code, ran.complaints) == (0, notes)
    assert {f"{row['vendor']}/{row['service']}" for row in json.loads(ran.out)["rows"]} == vendors
    wrong = report(config, "--vendor", "old-lits")
    assert (wrong.code, wrong.complaints) == (2, ["--vendor: no list knows 'old-lits', the journal has 'old-list'"])
