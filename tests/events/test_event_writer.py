"""Event lines on real files: turned over when full, whole or absent on a full disk, and never in the way."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.events.writer import EventWriter

LINE = "x" * 99 + "\n"


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow past `size`: what a full disk does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refuse(line: str) -> None:
    raise AssertionError(line)


@pytest.mark.root
def test_what_root_begins_is_its_folders_owners(tmp_path: Path) -> None:
    """The service continues the file as another user; an existing file keeps its owner."""
    os.chown(tmp_path, 65534, 65534)
    fresh, kept = tmp_path / "eve.json", tmp_path / "kept.json"
    kept.write_text("before\n")
    for path in (fresh, kept):
        EventWriter(str(path), refuse).close()
    assert [(path.stat().st_uid, path.stat().st_gid) for path in (fresh, kept)] == [(65534, 65534), (0, 0)]


def test_lines_are_appended_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_text("before\n")
    writer = EventWriter(str(path), refuse)
    writer.write("dns", "one\n")
    writer.write("dns", "two\n")
    writer.write("tls", "three\n")
    assert path.read_text() == "before\n"
    writer.close()
    assert path.read_text() == "before\none\ntwo\nthree\n"
    assert writer.samples() == {"events_total": {("dns",): 2.0, ("tls",): 1.0}, "events_dropped_total": {(): 0.0}}


def test_a_grown_file_is_turned_over_and_the_oldest_goes(tmp_path: Path) -> None:
    writer = EventWriter(str(tmp_path / "eve.json"), refuse, max_bytes=250, keep=2)
    for at in range(9):
        writer.write("dns", f"{at}{LINE[1:]}")
        writer.flush()
    writer.close()
    firsts = {file.name: [line[0] for line in file.read_text().splitlines()] for file in tmp_path.iterdir()}
    assert firsts == {"eve.json": ["8"], "eve.json.1": ["6", "7"], "eve.json.2": ["4", "5"]}


def test_without_old_files_to_keep_the_file_starts_anew(tmp_path: Path) -> None:
    writer = EventWriter(str(tmp_path / "eve.json"), refuse, max_bytes=150, keep=0)
    for at in range(3):
        writer.write("dns", f"{at}{LINE[1:]}")
        writer.flush()
    writer.close()
    assert [file.read_text()[0] for file in tmp_path.iterdir()] == ["2"]


def test_a_full_disk_is_told_once_and_loses_whole_lines(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "eve.json"
    writer = EventWriter(str(path), told.append)
    with disk_of(250):
        for _ in range(5):
            writer.write("dns", LINE)
            writer.flush()
    assert told == [f"{path}: events cannot be written and are dropped: File too large"]
    assert writer.dropped == 3
    writer.write("dns", LINE)
    writer.flush()
    assert told[1:] == [f"{path}: events are written again, 3 were dropped so far"]
    writer.close()
    assert path.read_text() == LINE * 3


def test_a_device_that_is_full_is_no_different() -> None:
    told: list[str] = []
    writer = EventWriter("/dev/full", told.append, max_bytes=10, keep=1)
    writer.write("dns", LINE)
    writer.close()
    assert told == ["/dev/full: events cannot be written and are dropped: No space left on device"]
    assert writer.dropped == 1


def test_a_path_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent/eve\.json: events cannot be written: No such file or directory"):
        EventWriter(str(tmp_path / "absent" / "eve.json"), refuse)


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    writer = EventWriter(str(path), refuse)
    writer.write("dns", "one\n")
    path.rename(tmp_path / "old.json")
    writer.reopen()
    writer.write("dns", "two\n")
    writer.close()
    assert ((tmp_path / "old.json").read_text(), path.read_text()) == ("one\n", "two\n")
