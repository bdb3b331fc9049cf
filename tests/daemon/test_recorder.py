"""What brings notes into the journal: when, under which day, and that nothing is kept where nothing is wanted."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cast
import pytest

from monitor.config.sections import Config, StateSection
from monitor.core.gateway import Gateway
from monitor.daemon import recorder as record_module
from monitor.daemon.recorder import Recorder
from monitor.journal.reader import Wanted, read_rows
from monitor.model import Samples


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test reads what was written, so it waits for the writing thread however busy the machine is."""
    monkeypatch.setattr(record_module, "CLOSE_SECONDS", 60.0)


def recorded(
    folder: Path, test: Callable[[Recorder, Gateway], object], refused: Samples | None = None, most: int = 1 << 24
) -> list[dict[str, object]]:
    """The rows after a life in which `test` happened."""

    async def run() -> None:
        gateway = cast.gateway()
        config = replace(Config(), state=StateSection(str(folder), most))
        record = Recorder(asyncio.get_running_loop(), gateway, config, lambda: refused or {})
        happened = test(record, gateway)
        if asyncio.iscoroutine(happened):
            await happened
        record.close()

    asyncio.run(run())
    return list(read_rows(str(folder / "journal.db"), Wanted())) if most else []


def see(gateway: Gateway, at: float, port: int) -> None:
    story = cast.exchange(cast.PHONE, cast.TIKTOK, "www.tiktok.com", at, (port, 443))
    gateway.feed(story, cast.START + at + 1)


def test_nothing_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    def test(record: Recorder, gateway: Gateway) -> None:
        see(gateway, 0, 40_000)
        assert gateway.table_sizes()["notes"] == 0
        assert (record.samples(), record.health()) == ({}, "")

    recorded(tmp_path, test, most=0)
    assert list(tmp_path.iterdir()) == []


def test_what_was_noted_is_forgotten_where_the_journal_is_given_up(tmp_path: Path) -> None:
    def test(record: Recorder, gateway: Gateway) -> None:
        see(gateway, 0, 40_000)
        assert gateway.notes_waiting() == 1
        record.configure(replace(Config(), state=StateSection(str(tmp_path), 0)))
        assert gateway.notes_waiting() == 0

    assert recorded(tmp_path, test) == []


def test_a_journal_of_before_is_named_where_none_is_wanted_any_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing ages in it from now on, and nobody else would say so."""
    recorded(tmp_path, lambda record, gateway: see(gateway, 0, 40_000))
    recorded(tmp_path, lambda record, gateway: None, most=0)
    (line,) = caplog.messages
    assert line.startswith(f"{tmp_path}/journal.db: is not written any more, and its days are not deleted")


def test_what_was_noted_before_midnight_is_of_that_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the clock going back a day begins the old day again, where both add up."""
    day = ["2026-05-20"]
    monkeypatch.setattr(record_module, "today", lambda: day[0])
    monkeypatch.setattr(record_module, "LOOK_SECONDS", 0.001)

    async def test(record: Recorder, gateway: Gateway) -> None:
        record.start()
        for at, (before, after) in enumerate([("2026-05-20", "2026-05-21"), ("2026-05-21", "2026-05-20")]):
            see(gateway, at * 10, 40_000 + at)
            assert day[0] == before
            day[0] = after
            deadline = time.monotonic() + 30
            while gateway.table_sizes()["notes"] and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
        see(gateway, 20, 40_002)

    rows = recorded(tmp_path, test)
    assert {row["day"]: row["flows"] for row in rows} == {"2026-05-20": 2, "2026-05-21": 1}


def test_another_place_takes_over_at_a_reload(tmp_path: Path) -> None:
    def test(record: Recorder, gateway: Gateway) -> None:
        see(gateway, 0, 40_000)
        record.configure(replace(Config(), state=StateSection(str(tmp_path / "second"), 1 << 24)))

    assert recorded(tmp_path / "first", test) == []
    assert [row["flows"] for row in read_rows(str(tmp_path / "second" / "journal.db"), Wanted())] == [1]


def test_what_the_kernel_refused_is_told_once_and_of_no_device(tmp_path: Path) -> None:
    counts: dict[tuple[str, ...], float] = {("bytedance", "", "phones"): 5.0, ("meta", "instagram", "phones"): 3.0}
    refused: Samples = {"refused_packets_total": counts}

    async def test(record: Recorder, gateway: Gateway) -> None:
        await record._take("2026-05-20")
        counts["bytedance", "", "phones"] = 7.0

    rows = recorded(tmp_path, test, refused)
    assert sum(int(str(row["blocked"])) for row in rows) == 7 + 3
    assert {(row["device"], row["group"], row["vendor"], row["service"]) for row in rows} == {
        ("", "phones", "bytedance", "unknown"), ("", "phones", "meta", "instagram")
    }  # fmt: skip
