"""The journal on a real file: what adds up, what is forgotten, what must not be there, and what it survives."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.core.books.diary import NoteRow
from monitor.errors import GatewatchError
from monitor.journal import journal as journal_module
from monitor.journal.journal import NO_ROOM, OLD, WAITED, Journal
from monitor.journal.reader import Wanted, read_rows
from monitor.journal.tables import FILE_NAME

MIB = 1_048_576
NOON = time.mktime((2026, 5, 20, 12, 0, 0, 0, 0, -1))
DAY = "2026-05-20"
PHONE = "02:00:0b:00:00:07"
ROW = NoteRow(
    PHONE, "anns-phone", ("192.168.1.7",), "students", "bytedance", "tiktok", "sni", 100, 1_000, 2, 1, 30, NOON - 60,
    NOON, ("www.tiktok.com",),
)  # fmt: skip


class Clock:
    """Wall and steady time, set by the test."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Place:
    """A folder with journals in it, one after the other, and their reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / FILE_NAME
        self.clock = Clock()
        self.reports: list[str] = []
        self.journals: list[Journal] = []

    def journal(self, max_bytes: int = 16 * MIB, days: int = 30) -> Journal:
        clock = self.clock
        made = Journal(str(self.folder), max_bytes, days, self.reports.append, lambda: clock.wall, lambda: clock.steady)
        self.journals.append(made)
        return made

    def rows(self, **wanted: str) -> list[dict[str, Any]]:
        return list(read_rows(str(self.file), Wanted(**wanted)))

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob(FILE_NAME + "*")))

    def open_files(self) -> list[str]:
        """The journal's files that this process has open, by name."""
        links = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        targets = [os.readlink(link) for link in links if os.path.lexists(link)]
        return sorted({os.path.basename(target) for target in targets if target.startswith(str(self.folder))})

    def close(self) -> None:
        for journal in self.journals:
            journal.close(10)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "state")
    yield made
    made.close()


def days_ago(days: int) -> str:
    return (date.fromisoformat(DAY) - timedelta(days=days)).isoformat()


def devices(count: int, day: str = DAY) -> tuple[str, list[NoteRow]]:
    """A row for each of so many devices, with names as long as names are."""
    names = tuple(f"{at:02d}.{'x' * 60}.tiktok.com" for at in range(8))
    return day, [replace(ROW, device=f"02:00:00:00:{at >> 8:02x}:{at & 255:02x}", names=names) for at in range(count)]


def test_rows_of_a_day_add_up_also_over_a_restart(place: Place) -> None:
    first = place.journal()
    first.take([(DAY, [ROW, replace(ROW, bytes_up=1)]), (DAY, [replace(ROW, group="none")])])
    later = replace(ROW, hostname="", addresses=("10.0.0.7", "192.168.1.7"), last=NOON + 60, names=("m.tiktok.com",))
    place.journal().take([(DAY, [later])])
    students, others = place.rows()
    assert students == {
        "day": DAY, "device": PHONE, "hostname": "anns-phone", "addresses": ["192.168.1.7", "10.0.0.7"],
        "group": "students", "vendor": "bytedance", "service": "tiktok", "evidence": "sni", "bytes_up": 201,
        "bytes_down": 3_000, "flows": 6, "blocked": 3, "leaked": 90, "first": NOON - 60, "last": NOON + 60,
        "names": ["www.tiktok.com", "m.tiktok.com"], "random_mac": True,
    }  # fmt: skip
    assert (others["group"], others["bytes_up"]) == ("none", 100)
    assert place.reports == []


def test_an_identity_is_that_of_its_day(place: Place) -> None:
    journal = place.journal()
    journal.take([(days_ago(1), [ROW]), (DAY, [replace(ROW, hostname="bens-phone", addresses=("10.0.0.9",))])])
    assert [(row["hostname"], row["addresses"]) for row in place.rows()] == [
        ("anns-phone", ["192.168.1.7"]), ("bens-phone", ["10.0.0.9"]),
    ]  # fmt: skip


def test_a_row_keeps_a_bounded_number_of_names(place: Place) -> None:
    journal = place.journal()
    for at in range(30):
        journal.take([(DAY, [replace(ROW, names=(f"{at}.tiktok.com",), addresses=(f"10.0.0.{at}",))])])
    (row,) = place.rows()
    assert row["names"] == [f"{at}.tiktok.com" for at in range(16)]
    assert len(row["addresses"]) == 16


def test_it_is_asked_for_a_day_a_vendor_and_a_group(place: Place) -> None:
    other = replace(ROW, vendor="google", service="search", group="staff")
    place.journal().take([(DAY, [ROW, other]), (days_ago(8), [ROW])])
    assert len(place.rows()) == 3
    assert len(place.rows(since=days_ago(7))) == 2
    assert [row["vendor"] for row in place.rows(vendor="google")] == ["google"]
    assert place.rows(vendor="google", service="maps") == []
    assert [row["vendor"] for row in place.rows(group="staff")] == ["google"]


def test_what_is_over_its_time_is_not_even_in_the_bytes_of_the_file(place: Place) -> None:
    journal = place.journal(days=30)
    secret = replace(ROW, device="02:5e:c2:e7:00:01", names=("old-name.tiktok.com",), hostname="old-host")
    journal.take([(days_ago(29), [replace(secret, device="02:00:00:00:00:29")]), (days_ago(30), [secret])])
    assert b"02:5e:c2:e7:00:01" in place.bytes()
    place.clock.pass_by(3_700)
    journal.take([(DAY, [ROW])])
    assert [row["day"] for row in place.rows()] == [days_ago(29), DAY]
    assert b"02:5e:c2:e7:00:01" not in place.bytes()
    place.clock.pass_by(86_400)
    journal.take([])
    assert [row["day"] for row in place.rows()] == [DAY]
    assert b"old-name" not in place.bytes()
    assert b"old-host" not in place.bytes()


def test_it_may_be_kept_for_ever(place: Place) -> None:
    """A very large number of days keeps all of them."""
    place.journal().take([devices(1, days_ago(4_000))])
    place.journal(days=99_999_999).take([devices(1)])
    assert len(place.rows()) == 2
    assert place.reports == []


def test_a_damaged_file_is_not_kept_longer_than_the_days_in_it(place: Place) -> None:
    place.folder.mkdir()
    place.file.write_bytes(b"no journal")
    place.journal(days=7).take([devices(1)])
    aside = place.file.with_name(FILE_NAME + ".damaged")
    assert aside.read_bytes() == b"no journal"
    os.utime(aside, (NOON, NOON))
    place.clock.wall = NOON + 6 * 86_400
    place.journal(days=7).take([])
    assert aside.exists()
    place.clock.wall += 86_400
    place.journal(days=7).take([])
    assert not aside.exists()


def test_its_group_may_read_it_whatever_the_umask(place: Place) -> None:
    """Also while it is written: SQLite's log and index are as readable as the file."""
    before = os.umask(0o077)
    try:
        place.journal().take([devices(3)])
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in place.folder.glob(FILE_NAME + "*")} == {0o640}


@pytest.mark.root
def test_what_root_begins_is_its_owners(place: Place) -> None:
    """Also its WAL files: the service continues them as another user."""
    place.folder.mkdir()
    os.chown(place.folder, 65534, 65534)
    journal = place.journal()
    journal.take([devices(3)])
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in place.folder.glob(FILE_NAME + "*")}
    assert owners == {(65534, 65534)}


def test_a_clock_that_jumps_neither_counts_twice_nor_costs_a_day(place: Place) -> None:
    journal = place.journal(days=2)
    journal.take([(days_ago(1), [ROW]), (DAY, [ROW])])
    for step in (86_400, -86_400, 864_000, -864_000):
        place.clock.wall += step
        place.clock.pass_by(3_700)
        journal.take([(date.fromtimestamp(place.clock.wall).isoformat(), [replace(ROW, bytes_up=1, bytes_down=0)])])
    rows = place.rows()
    assert [row["day"] for row in rows][:3] == [days_ago(1), DAY, days_ago(-1)]
    assert sum(row["bytes_up"] for row in rows) == 204
    assert next(row for row in rows if row["day"] == DAY)["bytes_up"] == 102
    assert place.reports == []


def test_a_full_journal_gives_up_its_oldest_days_and_stays_below_its_maximum(place: Place) -> None:
    journal = place.journal(max_bytes=MIB)
    for ago in range(9, -1, -1):
        journal.take([devices(200, days_ago(ago))])
        assert os.path.getsize(place.file) <= MIB
    kept = sorted({row["day"] for row in place.rows()})
    assert kept == [days_ago(ago) for ago in range(len(kept) - 1, -1, -1)]
    assert 1 < len(kept) < 10
    assert journal.dropped[OLD] == 200 * (10 - len(kept))
    assert journal.written == 2_000
    assert len(place.reports) == 1
    assert "[state].journal_max_bytes is 1048576" in place.reports[0]


def test_where_one_day_alone_fills_it_known_rows_go_on(place: Place) -> None:
    journal = place.journal(max_bytes=MIB)
    for _ in range(3):
        journal.take([devices(4_000)])
    assert os.path.getsize(place.file) <= MIB
    first = next(row for row in place.rows() if row["device"] == "02:00:00:00:00:00")
    assert first["bytes_up"] == 300
    assert 0 < len(place.rows()) < 4_000
    assert journal.dropped[NO_ROOM] == 3 * (4_000 - len(place.rows()))
    assert len(place.reports) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 1000), "file is not a database"),
        (lambda file: spoil_pages(file), "malformed"),
        (lambda file: other_database(file), "not a journal of gatewatch"),
        (lambda file: of_version(file, 99), "of version 99, not 1"),
    ],
    ids=["text", "pages", "other", "version"],
)
def test_a_damaged_file_is_set_aside_and_named(place: Place, spoil: Callable[[Path], None], words: str) -> None:
    journal = place.journal()
    journal.take([devices(500)])
    journal._let_go()
    spoil(place.file)
    spoiled = place.file.read_bytes()
    again = place.journal()
    again.take([(DAY, [ROW])])
    aside = place.folder / "journal.db.damaged"
    assert aside.read_bytes()[4_096:] == spoiled[4_096:]
    assert len(place.reports) == 1
    assert words in place.reports[0]
    assert str(aside) in place.reports[0]
    assert [row["device"] for row in place.rows()] == [PHONE]
    assert (again.errors, again.fault) == (1, "")


def spoil_pages(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4_096:] = bytes(len(data) - 4_096)
    file.write_bytes(data)


def other_database(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE traffic (day TEXT)")
    database.close()


def of_version(file: Path, version: int) -> None:
    with sqlite3.connect(file) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()


def test_damage_that_shows_while_it_runs(place: Place) -> None:
    journal = place.journal()
    journal.take([devices(3_000)])
    journal._store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    spoil_pages(place.file)
    journal._store._database.execute("PRAGMA shrink_memory")  # type: ignore[union-attr]
    journal.take([(DAY, [ROW])])
    assert [row["device"] for row in place.rows()] == [PHONE]
    assert "set aside" in place.reports[0]


def test_a_file_that_somebody_removes_is_begun_anew(place: Place) -> None:
    journal = place.journal()
    journal.take([(DAY, [ROW])])
    for path in place.folder.iterdir():
        path.unlink()
    journal.take([(DAY, [ROW])])
    assert [row["flows"] for row in place.rows()] == [2]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a quarter of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "gatewatch", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def place_on_disk(disk: Path) -> Iterator[Place]:
    made = Place(disk)
    yield made
    made.close()


@pytest.mark.netns
def test_a_full_disk_costs_a_line_and_nothing_that_was_noted(disk: Path, place_on_disk: Place) -> None:
    place = place_on_disk
    journal = place.journal()
    journal.take([(DAY, [ROW])])
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(MIB))
    for _ in range(3):
        journal.take([devices(100)])
    assert len(place.reports) == 1
    assert "cannot be written (database or disk is full): rows wait" in place.reports[0]
    assert journal.fault == place.reports[0]
    assert journal.errors == 3
    ballast.unlink()
    journal.take([])
    assert journal.fault == ""
    assert place.reports[1].endswith("the journal is written again")
    assert sum(row["bytes_up"] for row in place.rows()) == 100 + 3 * 100 * 100


@pytest.mark.netns
def test_a_read_only_directory_costs_a_line_too(disk: Path, place_on_disk: Place) -> None:
    place = place_on_disk
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    journal = place.journal()
    journal.take([(DAY, [ROW])])
    journal.take([(DAY, [ROW])])
    assert place.reports == [journal.fault]
    assert "Read-only file system" in journal.fault
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    journal.take([])
    assert [row["flows"] for row in place.rows()] == [4]


def test_what_waits_for_the_disk_is_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "WAITING_MAX", 10)
    place.folder.write_bytes(b"a file where the folder should be")
    journal = place.journal()
    for _ in range(3):
        journal.take([devices(25)])
    assert journal.dropped[WAITED] == 45
    assert len(place.reports) == 1
    journal.put(DAY, [ROW] * 11)
    assert journal.dropped[WAITED] == 56


def test_its_thread_writes_what_it_is_given(place: Place) -> None:
    journal = place.journal()
    journal.start()
    journal.put(DAY, [ROW])
    journal.put(DAY, [ROW])
    journal.close(10)
    assert [row["flows"] for row in place.rows()] == [4]
    samples = journal.samples()
    assert samples["journal_bytes"][()] == os.path.getsize(place.file)
    assert samples["journal_errors_total"] == {(): 0.0}
    assert place.reports == []
    assert place.file.stat().st_mode & 0o777 == 0o640


def test_a_reader_that_never_ends_does_not_hold_the_writer_up(place: Place) -> None:
    journal = place.journal()
    journal.take([devices(2_000)])
    reader = read_rows(str(place.file), Wanted())
    next(reader)
    journal.take([devices(2_000)])
    assert journal.errors == 0
    assert sum(1 for _ in reader) == 1_999


def test_there_is_nothing_to_read(place: Place) -> None:
    with pytest.raises(GatewatchError, match="no journal at"):
        place.rows()
    place.folder.mkdir()
    place.file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(GatewatchError, match="is damaged: file is not a database"):
        place.rows()


def test_no_file_stays_open_after_the_end_or_an_error(place: Place) -> None:
    """An error and its traceback are held here on purpose: what they name would not be closed by chance."""
    journal = place.journal()
    journal.start()
    journal.put(DAY, [ROW])
    journal.close(10)
    assert len(place.rows()) == 1
    assert place.open_files() == []
    of_version(place.file, 99)
    with pytest.raises(GatewatchError, match="of version 99, not 1") as held:
        place.rows()
    assert held.tb is not None
    assert place.open_files() == []
