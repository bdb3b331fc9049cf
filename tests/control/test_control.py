"""The control socket: who may open it, what it answers, and what it survives."""

import asyncio
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from monitor.control import server as control
from monitor.control.server import Control, Peer
from monitor.errors import MachineError, UsageError


async def answer(verb: str, arguments: dict[str, Any], peer: Peer) -> dict[str, Any]:
    if verb == "echo":
        return arguments
    if verb == "who":
        return {"pid": peer.pid, "uid": peer.uid}
    if verb == "rows":
        return {"rows": [{"number": number} for number in range(1_000)], "empty": [], "text": "ü"}
    raise UsageError(f"unknown verb {verb!r}")


async def ask(path: str, line: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    writer.write(line)
    reply = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return json.loads(reply) if reply else None


def exchange(path: Path, *lines: bytes) -> list[Any]:
    async def talk() -> list[Any]:
        server = Control(str(path), answer)
        await server.start()
        replies = [await ask(str(path), line) for line in lines]
        await server.close()
        return replies

    return asyncio.run(talk())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


def test_owner_and_group_only(path: Path) -> None:
    async def look() -> tuple[int, int]:
        server = Control(str(path), answer)
        mask = os.umask(0)
        try:
            await server.start()
        finally:
            os.umask(mask)
        modes = stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)
        await server.close()
        return modes

    assert asyncio.run(look()) == (0o660, 0o750)
    assert not path.exists()


def test_answers_and_refusals(path: Path) -> None:
    echoed, missing, garbage, listed, wrong, deep = exchange(
        path,
        b'{"verb": "echo", "args": {"a": 1}}\n',
        b'{"verb": "none"}\n',
        b"\xff\x00\n",
        b"[1]\n",
        b'{"verb": "echo", "args": [1]}\n',
        b"[" * 60_000 + b"\n",
    )
    assert echoed == {"ok": True, "result": {"a": 1}}
    assert missing == {"ok": False, "error": "unknown verb 'none'", "code": 2}
    assert garbage["ok"] is listed["ok"] is wrong["ok"] is deep["ok"] is False


def test_the_kernel_says_who_asks(path: Path) -> None:
    (reply,) = exchange(path, b'{"verb": "who", "args": {"pid": 1, "uid": 12}}\n')
    assert reply["result"] == {"pid": os.getpid(), "uid": os.geteuid()}


def test_long_lists_come_whole(path: Path) -> None:
    (reply,) = exchange(path, b'{"verb": "rows"}\n')
    assert [row["number"] for row in reply["result"]["rows"]] == list(range(1_000))
    assert (reply["result"]["empty"], reply["result"]["text"]) == ([], "ü")


def test_a_request_that_never_ends_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.05)
    long, unfinished = exchange(path, b"x" * 200_000 + b"\n", b'{"verb"')
    assert long is unfinished is None


def test_only_one_daemon(path: Path) -> None:
    async def twice() -> None:
        first = Control(str(path), answer)
        await first.start()
        try:
            await Control(str(path), answer).start()
        finally:
            await first.close()

    with pytest.raises(MachineError, match="another gatewatch runs"):
        asyncio.run(twice())


def test_what_a_killed_daemon_left_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    (reply,) = exchange(path, b'{"verb": "echo"}\n')
    assert reply == {"ok": True, "result": {}}


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot make the control socket"):
        exchange(tmp_path / "file" / "control.sock")
