"""Lists from files: the user's first, in process and in a child, and what happens where one cannot be read."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from monitor.catalog.entry import LineFault
from monitor.catalog.index import Index
from monitor.errors import ListError
from monitor.lists import child, loader, shipped
from monitor.lists.child import load_in_background, load_in_child
from monitor.lists.loader import ListStatus, Loaded, load_catalogue
from monitor.lists.user import UserList

pytestmark = pytest.mark.slow


def vendor(loaded: Loaded, name: bytes) -> str:
    entry = loaded.index.match_name(name)
    return f"{entry.vendor}/{entry.service} ({entry.list})" if entry else ""


def status(loaded: Loaded, name: str) -> ListStatus:
    return next(status for status in loaded.statuses if status.name == name)


@pytest.fixture
def few_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a single shipped list, so that these tests do not read all of them each time."""
    folder = tmp_path / "blocklists"
    (folder / "vendors").mkdir(parents=True)
    (folder / "vendors" / "bytedance.toml").write_text(
        'name = "ByteDance"\n[services]\ntiktok = "TikTok"\n'
        '[[entries]]\nservice = "tiktok"\nsource = "x"\nsuffix = ["tiktok.com"]\n'
    )
    monkeypatch.setattr(shipped, "FOLDERS", (folder,))
    return folder


@pytest.mark.usefixtures("few_lists")
def test_a_user_list_adds_an_owner_and_takes_none_away(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("tiktok.com\nbad bad\nexample.org\n")
    loaded = load_catalogue([UserList("mine", str(path), "games/video")])
    assert vendor(loaded, b"www.tiktok.com") == "bytedance/tiktok (bytedance)"
    assert loaded.index.owners_of_name(b"www.tiktok.com").names == ("bytedance/tiktok", "games/video")
    assert vendor(loaded, b"example.org") == "games/video (mine)"
    mine = status(loaded, "mine")
    assert (mine.entries, mine.ignored, mine.error, mine.shipped, mine.origin) == (2, 1, "", False, str(path))
    assert mine.complaints == (LineFault(2, "bad bad", "a character that names cannot contain: ' '"),)
    assert mine.loaded_at > 0
    assert loaded.index.entry_counts == {"mine": 2, "bytedance": 1}
    assert loaded.index.ignored_counts == {"mine": 1, "bytedance": 0}
    assert [known.slug for known in loaded.index.vendors()] == ["games", "bytedance"]


@pytest.mark.usefixtures("few_lists")
def test_a_user_list_may_feed_a_category(tmp_path: Path) -> None:
    path = tmp_path / "doh.txt"
    path.write_text("doh.example.org\n")
    loaded = load_catalogue([UserList("doh", path.as_uri(), "category:encrypted-dns")])
    entry = loaded.index.match_category(b"doh.example.org")
    assert entry is not None
    assert (entry.vendor, entry.category) == ("encrypted-dns", True)
    assert vendor(loaded, b"doh.example.org") == ""


@pytest.mark.usefixtures("few_lists")
@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("/nowhere/list.txt", "cannot be read: No such file or directory"),
        ("/", "cannot be read: Is a directory"),
        ("file:///nowhere/list.txt", "no copy of it yet: run `gatewatch lists update mine` to fetch one"),
        ("https://example.org/list.txt", "no copy of it yet: run `gatewatch lists update mine` to fetch one"),
    ],
)
def test_a_list_that_cannot_be_read_leaves_the_others(url: str, error: str) -> None:
    loaded = load_catalogue([UserList("mine", url, "bytedance")])
    assert status(loaded, "mine").error.startswith(error)
    assert status(loaded, "mine").loaded_at == 0
    assert vendor(loaded, b"www.tiktok.com") == "bytedance/tiktok (bytedance)"


@pytest.mark.usefixtures("few_lists")
def test_a_subscription_is_read_from_its_copy(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.list").write_text("0.0.0.0 exact.example.org\n")
    loaded = load_catalogue([UserList("mine", "https://example.org/x", "mine", state=str(tmp_path))])
    assert vendor(loaded, b"exact.example.org") == "mine/unknown (mine)"
    assert vendor(loaded, b"www.exact.example.org") == ""


@pytest.mark.usefixtures("few_lists")
def test_limits_of_a_list_hold(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"n{number}.example.org\n" for number in range(1000)))
    by_entries = status(load_catalogue([UserList("mine", str(path), "mine", max_entries=10)]), "mine")
    assert (by_entries.entries, by_entries.ignored) == (10, 1)
    by_bytes = status(load_catalogue([UserList("mine", str(path), "mine", max_bytes=160)]), "mine")
    assert by_bytes.entries == 10
    assert by_bytes.complaints[0].reason.startswith("longer than max_bytes")


@pytest.mark.usefixtures("few_lists")
def test_a_binary_file_is_complaints_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(bytes(range(256)) * 2000 + b"\n" + b"x" * 500_000 + b"\ntiktok.com\n")
    mine = status(load_catalogue([UserList("mine", str(path), "mine", format="domains")]), "mine")
    assert mine.entries == 1
    assert mine.ignored > 0
    assert mine.error == ""


def test_missing_shipped_lists_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FOLDERS", (tmp_path,))
    with pytest.raises(ListError, match=r"the shipped lists are missing: no folder .*/vendors"):
        load_catalogue()


def test_a_child_gives_what_the_process_itself_would(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("games.example\nbad bad\n")
    mine = UserList("mine", str(path), "games")
    here, there = load_catalogue([mine]), load_in_child([mine])
    assert [(s.name, s.entries, s.ignored, s.complaints) for s in here.statuses] == [
        (s.name, s.entries, s.ignored, s.complaints) for s in there.statuses
    ]
    assert [repr(entry) for entry in here.index.entries()] == [repr(entry) for entry in there.index.entries()]
    assert vendor(there, b"www.games.example") == "games/unknown (mine)"


def test_a_child_in_the_background_leaves_the_loop_free() -> None:
    async def count_while_loading() -> tuple[int, Loaded]:
        loading = asyncio.create_task(load_in_background())
        turns = 0
        while not loading.done():
            turns += 1
            await asyncio.sleep(0.001)
        return turns, await loading

    turns, loaded = asyncio.run(count_while_loading())
    assert turns > 10
    assert vendor(loaded, b"www.tiktok.com") == "bytedance/tiktok (bytedance)"


def children() -> list[int]:
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def test_a_child_that_is_killed_is_an_error_and_nothing_else() -> None:
    async def kill_while_loading() -> None:
        before = set(children())
        loading = asyncio.create_task(load_in_background())
        while not (new := set(children()) - before):
            await asyncio.sleep(0)
        os.kill(new.pop(), signal.SIGKILL)
        await loading

    with pytest.raises(ListError, match="killed by SIGKILL"):
        asyncio.run(kill_while_loading())


def test_a_cancelled_load_takes_its_child_along() -> None:
    async def cancel() -> list[int]:
        before = set(children())
        loading = asyncio.create_task(load_in_background())
        while not set(children()) - before:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        return [pid for pid in children() if pid not in before]

    assert asyncio.run(cancel()) == []


def test_a_child_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(ListError, match=r"took more than 0\.01 s"):
        load_in_child(timeout_seconds=0.01)
    with pytest.raises(ListError, match=r"took more than 0\.01 s"):
        asyncio.run(load_in_background(timeout_seconds=0.01))


def test_a_child_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        child, "command", lambda descriptor: ["sh", "-c", "cat >/dev/null; echo the reason >&2; exit 2"]
    )
    with pytest.raises(ListError, match=r"^the reason$"):
        load_in_child()
    monkeypatch.setattr(child, "command", lambda descriptor: ["sh", "-c", "cat >/dev/null; exit 3"])
    with pytest.raises(ListError, match="exit code 3"):
        load_in_child()


def test_a_child_finds_the_package_wherever_its_caller_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "monitor").mkdir()
    (tmp_path / "monitor" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    monkeypatch.chdir(tmp_path)
    python = child.command(0)[:2]
    done = subprocess.run(
        [*python, "-c", "import monitor.lists.child as child; print(child.__file__)"],
        env=child.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == child.__file__


def test_fifty_thousand_domains_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    names = [f"{number * 7919 % 1_000_003:x}-host.provider{number % 997}.example" for number in range(50_000)]
    path.write_text("\n".join(names))
    dump, _ = loader.build_catalogue([UserList("long", str(path), "long")])
    shipped_alone, _ = loader.build_catalogue([])
    assert (len(dump) - len(shipped_alone)) / len(names) < 45
    index = Index.load(dump)
    for name in names[::997]:
        entry = index.match_name(b"www." + name.encode())
        assert entry is not None
        assert entry.value == name
