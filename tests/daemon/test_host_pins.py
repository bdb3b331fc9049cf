"""Which MAC has which host name outlives the daemon."""

from pathlib import Path

import pytest

from monitor.attribution.host_names import PIN_SECONDS, HostPins
from monitor.config.parse import parse
from monitor.config.sections import Config
from monitor.daemon import host_pins
from monitor.daemon.host_pins import FILE_NAME, HostPinBook

ANN, EVE = bytes.fromhex("021100000001"), bytes.fromhex("021100000002")
NOW = 1_700_000_000.0
GROUP = "[[group]]\nname = 'staff'\nmembers = ['host:ann-*']\n"


class Run:
    """A run of the daemon with its table of names."""

    def __init__(self, folder: Path, now: float = NOW, text: str = GROUP, limit: int = 100) -> None:
        self.lines: list[str] = []
        self.pins = HostPins(limit)
        self.book = HostPinBook(self.pins, self.lines.append)
        self.book.configure(config(folder, text), now)


def config(folder: Path, text: str = GROUP) -> Config:
    return parse(f"[state]\npath = '{folder}'\n{text}", "c.toml")


def test_a_device_that_asks_first_after_a_restart_does_not_get_the_name_of_another_one(tmp_path: Path) -> None:
    first = Run(tmp_path)
    assert first.pins.name_of(ANN, b"ann-phone", NOW) == b"ann-phone"
    first.book.save()
    second = Run(tmp_path, NOW + 60)
    assert second.pins.name_of(EVE, b"ann-phone", NOW + 60) == b""
    assert second.pins.refused == 1
    assert second.pins.name_of(ANN, b"ann-phone", NOW + 61) == b"ann-phone"
    late = Run(tmp_path, NOW + PIN_SECONDS + 60)
    assert late.pins.name_of(EVE, b"ann-phone", NOW + PIN_SECONDS + 60) == b"ann-phone"
    assert first.lines + second.lines + late.lines == []


@pytest.mark.parametrize(
    "data",
    [b"{", b"\xff", b"[]", b'{"version": 2, "names": []}', b'{"version": 1, "names": [["zz", "61", 1]]}',
     b'{"version": 1, "names": [["02", "61", 1]]}', b'{"version": 1, "names": [[1, 2]]}', b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_costs_one_line_and_is_replaced(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(data)
    run = Run(tmp_path)
    (line,) = run.lines
    assert line.startswith(f"{file}: damaged (")
    assert "\n" not in line
    run.pins.name_of(ANN, b"ann-phone", NOW)
    run.book.save()
    assert Run(tmp_path).lines == []


def test_the_file_and_the_table_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path)
    for number in range(10):
        run.pins.name_of(bytes((2, 0, 0, 0, 0, number)), b"name-%d" % number, NOW + number)
    run.book.save()
    few = Run(tmp_path, NOW + 20, limit=3)
    assert (len(few.pins), few.pins.evictions) == (3, 7)
    assert few.pins.entries()[-1][1] == b"name-9"
    monkeypatch.setattr(host_pins, "MAX_BYTES", 400)
    run.pins.name_of(ANN, b"ann-phone", NOW + 30)
    run.book.save()
    small = Run(tmp_path, NOW + 40)
    assert small.lines == []
    assert 0 < len(small.pins) < 10
    assert small.pins.entries()[-1][1] == b"ann-phone"
    (tmp_path / FILE_NAME).write_bytes(b" " * 401)
    assert "too large" in Run(tmp_path).lines[0]


@pytest.mark.parametrize("text", ["", GROUP + "[privacy]\ndevice = 'none'\n"])
def test_nothing_is_kept_where_names_do_not_count_or_must_not_be_kept(tmp_path: Path, text: str) -> None:
    run = Run(tmp_path, text=text)
    run.pins.name_of(ANN, b"ann-phone", NOW)
    run.book.save()
    assert not (tmp_path / FILE_NAME).exists()


def test_a_directory_that_cannot_be_written_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Run(tmp_path / "file" / "state")
    run.lines.clear()
    for number in range(2):
        run.pins.name_of(bytes((2, 0, 0, 0, 0, number)), b"name-%d" % number, NOW)
        run.book.save()
    assert len(run.lines) == 1
    assert "host names of devices are not kept" in run.lines[0]
