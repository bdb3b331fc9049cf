"""The clock of the machine that a running daemon is on goes a day on, a day back, another day back, and on again.

On a real kernel of its own, since everything else here would wake up in another year, too.
"""

import json
import sys
from itertools import pairwise
from typing import Any

import pytest

from vm.emulator import run

# An emulated machine is slow, and the machine that emulates it may have other work.
SECONDS = 900.0
pytestmark = [pytest.mark.netns, pytest.mark.timeout(SECONDS + 100), pytest.mark.slow, pytest.mark.machine]

BANNED = ("www.tiktok.com", "far.tiktok.com", "www.netflix.com")
BYTES = 100_000
HOURS = 3600.0
# What another machine beside this one may make of a moment.
MOMENT_SECONDS = 600.0


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    outcome = run([sys.executable, "-P", "-m", "vm.clock_story"], SECONDS)
    assert outcome.code == 0, outcome.output[-4000:]
    found: dict[str, Any] = json.loads(outcome.output.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def stages(told: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told["stages"]
    assert [stage["set"] for stage in found] == ["", "+1 day", "-1 day", "-1 day", "+1 day"]
    days = ["2030-06-12", "2030-06-13", "2030-06-12", "2030-06-11", "2030-06-12"]
    assert [stage["day"] for stage in found] == days
    return found


def test_each_setting_costs_one_line(stages: list[dict[str, Any]]) -> None:
    seconds = {"+1 day": "+86400", "-1 day": "-86400"}
    expected = [[f"gatewatch: the clock was set by {seconds[stage['set']]} s"] for stage in stages[1:]]
    # A ban that a schedule switches on or off has a line of its own.
    lines = [[line for line in stage["lines"] if not line.startswith("gatewatch: the ban of ")] for stage in stages]
    assert lines == [[], *expected]


def test_the_daemon_lives_and_is_well(told: dict[str, Any], stages: list[dict[str, Any]]) -> None:
    assert [stage["health"].split("\n")[0] for stage in stages] == ["ok"] * 5
    assert (told["end"]["alive"], told["end"]["code"]) == (True, 0)
    assert not [line for line in told["end"]["lines"] if "defect" in line or "not written" in line]


def test_questions_are_answered_and_what_is_banned_stays_banned(stages: list[dict[str, Any]]) -> None:
    for stage in stages:
        assert {name: stage["asked"][name] for name in BANNED} == dict.fromkeys(BANNED, "NXDOMAIN")
        assert stage["asked"]["www.example.org"] == "NOERROR"
        assert stage["laptop"] == ["NOERROR", ""]
        assert stage["refused"] == ["ConnectionRefusedError"] * 2  # a prefix of the vendor's, and a learned address
        assert stage["reset"] == "ConnectionResetError"
        assert stage["passed"] == ""


def test_a_schedule_follows_the_clock(stages: list[dict[str, Any]]) -> None:
    passes = "NOERROR"
    assert [stage["asked"]["web.telegram.org"] for stage in stages] == [passes, "NXDOMAIN", passes, passes, passes]


def test_a_ban_for_two_hours_lasts_two_hours(stages: list[dict[str, Any]]) -> None:
    left = [stage["order"] for stage in stages]
    assert left == sorted(left, reverse=True)
    assert 2 * HOURS - MOMENT_SECONDS < left[-1] < left[0] < 2 * HOURS


def test_the_kernel_keeps_every_element(stages: list[dict[str, Any]]) -> None:
    """But for those of the ban that sleeps on other days: also what was learned, and what is killed, waits its time."""
    before = stages[0]["elements"]
    assert (before["alive"], before["lan"], before["learned4"], before["g_phones/mac"]) == (2, 2, 1, 1)
    for stage in stages[2:]:
        assert {name: count for name, count in stage["elements"].items() if "kill" not in name} == {
            name: count for name, count in before.items() if "kill" not in name
        }
    kept = ("alive", "lan", "learned4", "v_bytedance/tiktok/learned4", "g_phones/mac")
    assert [stages[1]["elements"][name] for name in kept] == [before[name] for name in kept]
    assert [stage["samples"]['gatewatch_table_entries{table="learned"}'] for stage in stages] == [1.0] * 5


def test_a_learned_address_is_renewed_while_the_clock_is_behind(told: dict[str, Any]) -> None:
    assert told["renewed"]["before"] < told["renewed"]["after"] <= 330


def test_bytes_are_counted_on_and_no_counter_goes_back(stages: list[dict[str, Any]]) -> None:
    for before, after in pairwise(stages):
        back = [
            name
            for name, value in before["samples"].items()
            if name.split("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))
            and after["samples"].get(name, 0.0) < value
        ]
        assert back == []


def test_a_download_goes_on_and_is_counted_once(told: dict[str, Any], stages: list[dict[str, Any]]) -> None:
    assert told["end"]["goes_on"]
    flow = told["end"]["flow"]
    assert stages[-1]["received"] <= flow["bytes_toclient"] <= told["end"]["received"] * 1.2
    assert 0 < told["end"]["lasted"] < MOMENT_SECONDS


def test_every_event_has_the_day_of_its_stage(stages: list[dict[str, Any]]) -> None:
    """Those written first may be of the day before, seen before the clock was set."""
    for before, stage in zip([stages[0], *stages], stages, strict=False):
        assert stage["events"] in ([stage["day"]], [before["day"], stage["day"]])


def test_the_journal_has_each_day(told: dict[str, Any]) -> None:
    fetched = {"2030-06-11": BYTES, "2030-06-12": 3 * BYTES, "2030-06-13": BYTES}
    assert told["end"]["days"] == {day: pytest.approx(size, rel=0.2) for day, size in fetched.items()}


def test_nothing_spins_and_nothing_stands_still(told: dict[str, Any], stages: list[dict[str, Any]]) -> None:
    quiet = stages[0]["wakeups"]
    assert [stage["wakeups"] for stage in stages[1:] if stage["wakeups"] > 10 * quiet + 100] == []
    assert told["end"]["beats"] >= 5
    assert told["end"]["gap"] < MOMENT_SECONDS
    stalls = [stage["samples"]["gatewatch_loop_stall_seconds"] for stage in stages]
    assert max(stalls) < MOMENT_SECONDS
