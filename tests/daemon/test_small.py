"""The daemon's small parts: what the service manager hears, the pace under floods, stalls, log lines, last words."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.capture.live import InterfaceCounts, LiveCapture
from monitor.core.books.rows import Row
from monitor.daemon.loop_stall import SLOT_SECONDS, Stall
from monitor.daemon.notify import Notifier
from monitor.daemon.pipeline import FRAMES_MAX, FRAMES_MIN, Pace, Pipeline
from monitor.daemon.report import LAST_WORDS_MAX, last_words
from monitor.enforcement.backlog import Backlog
from monitor.enforcement.blocked_page import Sinks
from monitor.errors import ErrorCounts
from monitor.events.writer import EventWriter
from monitor.log import Lines
from monitor.model import Event, FlowRecord, Labels, flow_key
from monitor.policy.table.change import AddElements, Change


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears(abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"@gatewatch-test-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        notifier = Notifier()
        assert notifier.watchdog_seconds == 5.0
        notifier.ready("watching br-lan")
        notifier.reloading()
        notifier.alive("nothing is captured")
        notifier.alive()
        notifier.stopping()
        heard = [manager.recv(200).decode() for _ in range(4)]
    assert heard[0] == "READY=1\nSTATUS=watching br-lan"
    assert heard[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[2:] == ["WATCHDOG=1", "STOPPING=1"]


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().ready("alone")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    Notifier().ready("still alone")


def test_another_process_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert Notifier().watchdog_seconds == 0.0


def test_slow_turns_take_less_and_quick_ones_more() -> None:
    pace = Pace()
    for _ in range(20):
        pace.note(0.5)
    assert pace.frames == FRAMES_MIN
    pace.note(0.005)
    assert pace.frames == FRAMES_MIN
    for _ in range(20):
        pace.note(0.0001)
    assert pace.frames == FRAMES_MAX


def test_events_are_written_as_long_as_there_is_time_and_the_rest_waits(tmp_path: Path) -> None:
    writer = EventWriter(str(tmp_path / "eve.json"), print)
    line = Pipeline(LiveCapture((), False), None, None, None, lambda effects: None, lambda seconds: None)
    key = flow_key(bytes(4), bytes(4), 1, 2, 6)
    effects = [Event(1.0, FlowRecord(key, 0.0, 1.0, "shutdown"), Labels())] * 1_000
    line.write(effects)
    assert line.write_some(60) == 0
    line.writer = writer
    line.write(effects)
    assert line.write_some(-1) == 1_000
    assert line.write_some(60) == 0
    writer.close()
    assert (tmp_path / "eve.json").read_text().count("\n") == 1_000


def test_the_longest_stall_is_remembered_for_a_minute() -> None:
    loop = asyncio.new_event_loop()
    stall = Stall(loop)
    loop.close()
    stall.note(1_000.0, 0.25)
    stall.note(1_001.0, 0.01)
    assert stall.seconds() == 0.25
    stall.note(1_000.0 + SLOT_SECONDS * 5, 0.1)
    assert stall.seconds() == 0.25
    stall.note(1_000.0 + SLOT_SECONDS * 6, 0.02)
    assert stall.seconds() == 0.1
    stall.note(90_000.0, 0.03)
    assert stall.seconds() == 0.03


@pytest.mark.parametrize(("journal", "expected"), [(False, "gatewatch: one two"), (True, "<4>one two")])
def test_a_message_is_one_line(journal: bool, expected: str) -> None:
    record = logging.LogRecord("monitor", logging.WARNING, "", 0, "one\ntwo", (), None)
    assert Lines(journal).format(record) == expected


def test_last_words_are_bounded_and_say_the_most_first() -> None:
    rows = [Row("d", "none", f"vendor{number}", "s", "sni", number, 2 * number, 1, 0.0, 1.0) for number in range(100)]
    rows.append(Row("e", "none", "vendor99", "s", "dns", 1, 1, 1, 0.0, 1.0))
    errors = ErrorCounts()
    errors.add("dns", "malformed")
    lines = last_words(rows, {"br-lan": InterfaceCounts(3, 200, 1)}, errors)
    assert lines[0] == "captured: br-lan 3 frames, 200 bytes, 1 dropped; not decoded: 1"
    assert lines[1] == "counted: vendor99/s 100 bytes up, 199 bytes down, 2 flows"
    assert lines[-1] == "counted: and 60 more services"
    assert len(lines) == LAST_WORDS_MAX + 2


def test_a_change_that_fails_keeps_nobody_waiting_for_the_rest() -> None:
    done: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def perform(changes: Sequence[Change]) -> None:
            for change in changes:
                assert isinstance(change, AddElements)
                if change.set == "bad":
                    raise ValueError("a fault of ours")
                done.append(change.set)

        backlog = Backlog(loop, perform)
        many = tuple((bytes((0, 0, number >> 8, number & 255)), "") for number in range(4_096))
        with pytest.raises(ValueError, match="a fault of ours"):
            backlog.add([AddElements(name, many) for name in ("bad", "first", "second")], 0.0)
        assert len(backlog) == 2
        async with asyncio.timeout(20):
            await backlog.done()

    asyncio.run(run())
    assert done == ["first", "second"]


def test_the_addresses_of_banned_answers_are_of_the_type_that_the_compiled_core_checks() -> None:
    sinks = Sinks(lambda: 0.0)
    sinks.take(frozenset((b"\x0a\0\0\1",)))
    both = sinks.take(frozenset((b"\x0a\0\0\2",)))
    assert (type(both), both) == (frozenset, {b"\x0a\0\0\1", b"\x0a\0\0\2"})
