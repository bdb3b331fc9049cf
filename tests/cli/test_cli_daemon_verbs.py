"""`status`, `devices` and `top` against the real control socket, with answers that a daemon would give."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from privileges import as_nobody
from shell import gatewatch

from monitor.cli.status_bans import policy_lines
from monitor.control.server import Control, Peer
from monitor.core.books.rows import DeviceRow, FlowRow, Row
from monitor.errors import UsageError

pytestmark = pytest.mark.slow

NOW = 1_795_360_804.0
PHONE = "02:00:0b:00:00:07"
ROW = Row(PHONE, "students", "bytedance", "tiktok", "sni", 2_048, 5_000_000, 3, NOW - 60, NOW)
DEVICE = DeviceRow(
    PHONE, "students", PHONE, ("192.168.1.7", "2001:db8::7"), "anns-phone", 2_048, 5_000_000, 3, NOW - 60, NOW
)
FLOW = FlowRow(
    PHONE, "students", "bytedance", "tiktok", "sni", "www.tiktok.com\x1b[2J", 6, "192.168.1.7", 40_000, "2001:db8::5",
    443, 2_048, 5_000_000, NOW - 60, NOW,
)  # fmt: skip
BAN = {
    "ban": "runtime.bytedance-students", "vendors": ["bytedance"], "groups": ["students"], "mode": "enforce",
    "layers": ["dns", "sni", "ip"], "until": NOW + 7_200, "source": "runtime", "reason": "", "active": True,
}  # fmt: skip
POLICY = {
    "bans": [BAN], "paused_until": -1.0, "orders_fault": "",
    "orders": [{"verb": "allow", "name": "a.example", "user": "ann", "until": NOW + 60}],
}  # fmt: skip
HEALTH = {"capture": "", "lists": "mine: cannot be read: No such file or directory"}


async def answer(verb: str, arguments: dict[str, Any], peer: Peer) -> dict[str, Any]:
    rows = [asdict(ROW)]
    if verb == "status":
        return {
            "version": "1.2.3", "engine": "compiled", "started": NOW - 7_200, "now": NOW, "config": "defaults",
            "health": HEALTH, "evictions": {"flows": 0, "names": 12}, "rows": rows, "policy": POLICY,
            "interfaces": [{"interface": "br-lan", "frames": 1_234, "bytes": 99_000, "dropped": 0}],
        }  # fmt: skip
    if verb == "devices":
        return {"devices": [asdict(DEVICE)], "rows": rows}
    if verb == "top":
        return {"flows": [asdict(FLOW)] * min(arguments.get("limit", 100), 2), "rows": rows}
    if verb == "why" and arguments["query"] == "203.0.113.5":
        told = {"name": "www.tiktok.com", "vendor": "bytedance", "first": NOW, "last": NOW}
        return {
            "query": "203.0.113.5", "vendor": None, "service": None, "list": None, "entry": None, "category": None,
            "names": [told] if arguments["device"].lower() == PHONE else [], "learned": [], "groups": ["students"],
            "layers": {"ip": {"action": "block", "ban": "b-all", "mode": "enforce", "what": "refused"}},
        }  # fmt: skip
    if verb == "pause":
        return {"says": ["all bans pause", "twice"], "fault": "the disk is full", "asked": arguments}
    if verb in ("ban", "unban", "allow", "resume"):
        return {"says": [json.dumps(arguments)], "fault": ""}
    raise UsageError(f"unknown verb {verb!r}")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[str]:
    """A runtime directory in which a control socket answers."""
    loop = asyncio.new_event_loop()
    control = Control(str(tmp_path / "control.sock"), answer)
    loop.run_until_complete(control.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield str(tmp_path)
    asyncio.run_coroutine_threadsafe(control.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_status_names_what_is_not_well(runtime: str) -> None:
    ran = gatewatch("status", RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.err) == (1, "")
    assert "gatewatch 1.2.3 (compiled), up 2 h, configuration: defaults" in ran.out
    assert "capture: ok\nlists: mine: cannot be read" in ran.out
    assert "evicted because a table was full: names 12\n" in ran.out
    assert "tiktok" in ran.out
    for line in (
        "bans: all paused until `resume`",
        "ban at run time: bytedance for students: enforce, dns, sni, ip for 2 h more",
        "allow at run time: a.example for 1 min more, by ann",
    ):
        assert line in ran.out.splitlines()


def test_a_ban_that_sleeps_is_said_to_sleep() -> None:
    policy = {"bans": [{**BAN, "active": False, "until": 0, "source": ""}], "orders": [], "orders_fault": ""}
    told = "ban: bytedance for students: enforce, dns, sni, ip"
    assert list(policy_lines({**policy, "paused_until": 0.0}, NOW)) == [f"{told}, inactive by its schedule\n"]
    assert list(policy_lines({**policy, "paused_until": -1.0}, NOW))[1:] == [f"{told}\n"]


def test_devices_have_their_vendors(runtime: str) -> None:
    ran = gatewatch("devices", RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.err) == (0, "")
    cells = ran.out.splitlines()[1].split()
    assert cells[:5] == [PHONE, "anns-phone", "students", "192.168.1.7", "+1"]
    assert cells[-1] == "bytedance"


def test_top_shows_flows_and_lets_no_name_move_the_cursor(runtime: str) -> None:
    ran = gatewatch("top", RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("bytedance") == 2
    assert "www.tiktok.com?[2J" in ran.out
    assert "[2001:db8::5]:443" in ran.out
    assert gatewatch("top", "-n", 1, RUNTIME_DIRECTORY=runtime).out.count("bytedance") == 1


@pytest.mark.parametrize("verb", ["status", "devices", "top"])
def test_json_is_one_object_with_rows(runtime: str, verb: str) -> None:
    result = json.loads(gatewatch(verb, "--json", RUNTIME_DIRECTORY=runtime).out)
    assert result["rows"] == [asdict(ROW)]


def test_why_tells_what_the_device_was_told(runtime: str) -> None:
    ran = gatewatch("why", "203.0.113.5", "--device", PHONE.upper(), RUNTIME_DIRECTORY=runtime)
    assert ran.out.splitlines() == [
        "203.0.113.5: no vendor",
        "  answered for www.tiktok.com: bytedance",
        "  ip: block by b-all (enforce), refused",
        "  the device is in students",
    ]
    ran = gatewatch("why", "203.0.113.5", "--device", "10.0.0.9", "--json", RUNTIME_DIRECTORY=runtime)
    assert json.loads(ran.out)["names"] == []


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (
            "ban bytedance --group students --for 1h30m --shadow --layers dns,ip --reason exam",
            {"vendor": "bytedance", "group": "students", "for": 5400.0, "shadow": True, "layers": ["dns", "ip"],
             "reason": "exam"},
        ),
        (
            "ban bytedance",
            {"vendor": "bytedance", "group": "", "for": None, "shadow": False, "layers": [], "reason": ""},
        ),
        ("unban TikTok", {"vendor": "TikTok", "group": "", "for": None, "reason": ""}),
        (
            "ban tiktok https://x.com/foo --until 2199-12-31T18:00Z",
            {"vendors": ["tiktok", "https://x.com/foo"], "group": "", "until": 7258096800.0, "shadow": False,
             "layers": [], "reason": ""},
        ),
        ("unban bytedance", {"vendor": "bytedance", "group": "", "for": None, "reason": ""}),
        (
            "allow a.example --device 10.0.0.7 --for 1h --reason press",
            {"name": "a.example", "device": "10.0.0.7", "for": 3600.0, "reason": "press"},
        ),
        ("resume --all", {"all": True, "reason": ""}),
    ],
)  # fmt: skip
def test_what_is_typed_is_what_is_asked(runtime: str, arguments: str, asked: dict[str, object]) -> None:
    ran = gatewatch(*arguments.split(), RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == asked


def test_a_change_that_cannot_be_kept_is_1_and_says_so(runtime: str) -> None:
    ran = gatewatch("pause", "--for", "10m", RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.out, ran.complaints) == (1, "all bans pause\n  twice\n", ["the disk is full"])
    ran = gatewatch("pause", "--json", RUNTIME_DIRECTORY=runtime)
    assert json.loads(ran.out)["asked"] == {"for": None, "reason": ""}


@pytest.mark.parametrize(
    "arguments",
    [
        "ban",
        "ban bytedance --for soon",
        "ban bytedance --until soon",
        "ban bytedance --for 1h --until 2199-01-01",
        "allow a.example",
        "allow a.example --device 10.0.0.7",
        "pause 10m",
    ],
)
def test_what_is_typed_wrong_is_2(runtime: str, arguments: str) -> None:
    assert gatewatch(*arguments.split(), RUNTIME_DIRECTORY=runtime).code == 2


def test_what_the_daemon_refuses_is_one_line(runtime: str) -> None:
    ran = gatewatch("why", "www.tiktok.com", "--device", PHONE, RUNTIME_DIRECTORY=runtime)
    assert (ran.code, ran.complaints) == (2, ["unknown verb 'why'"])
    wrong = gatewatch("why", "www.tiktok.com", "--device", "the phone", RUNTIME_DIRECTORY=runtime)
    assert wrong.code == 2


@pytest.mark.root
def test_a_socket_without_permission_is_3(runtime: str) -> None:
    for folder in (Path(runtime), *Path(runtime).parents[:2]):
        folder.chmod(0o755)
    ran = gatewatch("status", prefix=as_nobody(), RUNTIME_DIRECTORY=runtime)
    assert ran.code == 3
    why = f"permission denied for {runtime}/control.sock: only the daemon's user and group may use it"
    assert ran.complaints == [why]
