"""Somebody sets the clock: noticed once; a clock that only runs a little wrong is not."""

from pathlib import Path

import pytest
from cast import START, gateway

import monitor
from monitor.daemon.clock import STEP_SECONDS, Clock
from monitor.daemon.pipeline import Pipeline


class Times:
    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, seconds: float, wall: float = 0.0) -> None:
        self.steady += seconds
        self.wall += seconds + wall


def test_a_set_clock_is_noticed_once() -> None:
    times = Times()
    clock = Clock(lambda: times.wall, lambda: times.steady)
    times.pass_by(3_600.0)
    assert clock.look() == (times.wall, 0.0)
    for moved in (86_400.0, -86_400.0):
        times.pass_by(1.0, wall=moved)
        assert clock.look() == (times.wall, moved)
        times.pass_by(1.0)
        assert clock.look() == (times.wall, 0.0)


def test_a_slewed_clock_is_followed() -> None:
    times = Times()
    clock = Clock(lambda: times.wall, lambda: times.steady)
    for _ in range(100):
        times.pass_by(60.0, wall=STEP_SECONDS / 2)
        assert clock.look()[1] == 0.0


def test_the_core_follows_a_set_clock_and_the_rest_is_told_by_how_much() -> None:
    times = Times()
    told: list[float] = []
    times.wall = START
    watched = gateway()
    watched.tick(START + 0.5)
    line = Pipeline(None, None, None, watched, lambda effects: None, told.append)
    line.clock = Clock(lambda: times.wall, lambda: times.steady)
    for moved in (-86_400.0, 0.0):
        times.pass_by(1.0, wall=moved)
        assert line.now() == times.wall
        assert abs(line.gateway.next_wakeup() - times.wall) <= 1.0
    assert told == [-86_400.0]


def test_who_is_told_may_ask_for_the_time() -> None:
    """Some of those who follow ask at once."""
    times = Times()
    times.wall = START
    asked: list[float] = []
    line = Pipeline(None, None, None, gateway(), lambda effects: None, lambda moved: asked.append(line.now()))
    line.clock = Clock(lambda: times.wall, lambda: times.steady)
    times.pass_by(1.0, wall=86_400.0)
    assert [line.now(), *asked] == [times.wall, times.wall]


@pytest.mark.parametrize(
    "file",
    [
        "control/policy_verbs.py",
        "daemon/reload.py",
        "enforcement/controller.py",
        "enforcement/learning.py",
        "enforcement/sinkhole.py",
        "enforcement/table.py",
    ],
)
def test_who_tells_the_core_the_time_has_it_from_the_line(file: str) -> None:
    """By a clock that was set a moment ago, every flow would be over and every order at its end."""
    assert "time.time()" not in (Path(monitor.__path__[0]) / file).read_text()
