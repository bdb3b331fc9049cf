"""Successful updates: conditional requests, intervals, stored records, and the reported changes."""

import fcntl
import gzip
import hashlib
import json
import os
import time
from pathlib import Path

import list_server as ways
import pytest
from subscribed import GOOD, Subscribed

from monitor.cli.main import main
from monitor.lists.copies import adopt, make_folder, shown

pytestmark = pytest.mark.slow

SHORT = b"a.example\nb.example\n"  # the body of `without_end`
DIGEST = hashlib.sha256(GOOD).hexdigest()
NO_DAEMON = "no daemon runs; it will read the lists when it starts\n"


def test_the_first_time_and_what_has_changed_since(subscribed: Subscribed) -> None:
    first = "mine: 20 entries, 20 added (n0.good.example, n1.good.example, n10.good.example, …)\n"
    assert subscribed.update(GOOD) == (0, first + NO_DAEMON, "")
    assert subscribed.copy.read_bytes() == GOOD
    other = GOOD.replace(b"n3.good", b"new.good").replace(b"n4.good.example\n", b"")
    changed = "mine: 19 entries, 1 added (new.good.example), 2 removed (n3.good.example, n4.good.example)\n"
    assert subscribed.update(other, "mine") == (0, changed + NO_DAEMON, "")
    assert subscribed.copy.read_bytes() == other
    assert subscribed.update(other, "mine") == (0, "mine: unchanged, 19 entries\n" + NO_DAEMON, "")
    assert subscribed.leftovers() == []


@pytest.mark.parametrize(
    ("page", "header"),
    [
        (ways.validated(GOOD, etag='"v1"'), "If-None-Match"),
        (ways.validated(GOOD, modified=ways.LAST_MODIFIED), "If-Modified-Since"),
    ],
    ids=["ETag", "Last-Modified"],
)
def test_a_list_that_has_not_changed_is_not_sent_again(subscribed: Subscribed, page: ways.Page, header: str) -> None:
    subscribed.update(page)
    before = subscribed.record()
    assert subscribed.update(page, "mine")[1].startswith("mine: unchanged, 20 entries\n")
    asked = [headers for _, headers in subscribed.server.asked]
    assert (header in asked[0], header in asked[1]) == (False, True)
    after = subscribed.record()
    assert after["succeeded"] > before["succeeded"]  # type: ignore[operator]
    assert after["changed"] == before["changed"]
    # A copy that is not what was fetched must not be called unchanged.
    subscribed.copy.write_bytes(GOOD[:-5])
    assert subscribed.update(page, "mine")[0] == 0
    assert header not in subscribed.server.asked[2][1]
    assert subscribed.copy.read_bytes() == GOOD
    # Nor one that was fetched under other terms.
    assert subscribed.update(page, "mine", format='"domains"')[0] == 0
    assert header not in subscribed.server.asked[3][1]


def test_only_what_is_due_is_fetched(subscribed: Subscribed) -> None:
    subscribed.update(GOOD)
    assert subscribed.lists("update") == (0, "mine: not due for 23 h\n", "")
    assert len(subscribed.server.asked) == 1
    assert subscribed.lists("update", "mine")[0] == 0
    assert subscribed.lists("update", "--force")[0] == 0
    assert len(subscribed.server.asked) == 3
    assert subscribed.update(GOOD, interval='"0"')[0] == 0
    assert len(subscribed.server.asked) == 4


@pytest.mark.parametrize(
    "what", ["the clock was wrong", "the last one failed", "the copy is gone", "its record is a pipe", "it is damaged"]
)
def test_it_is_due_at_once_where(subscribed: Subscribed, what: str) -> None:
    subscribed.update(GOOD)
    record = subscribed.state / "lists" / "mine.json"
    if what == "the clock was wrong":
        record.write_text(json.dumps({**subscribed.record(), "succeeded": time.time() + 86_400}))
    elif what == "the last one failed":
        assert subscribed.update(ways.code(500), "mine")[0] == 1
    elif what == "the copy is gone":
        subscribed.copy.unlink()
    elif what == "its record is a pipe":
        record.unlink()
        os.mkfifo(record)
    else:
        record.write_text('{"terms": 7}')
    before = len(subscribed.server.asked)
    assert subscribed.update(GOOD)[0] == 0
    assert len(subscribed.server.asked) == before + 1
    assert subscribed.record()["failures"] == 0


def test_force_takes_a_list_of_another_size_but_no_poison(subscribed: Subscribed) -> None:
    subscribed.update(GOOD)
    assert subscribed.update(b"one.example\n", "mine")[0] == 1
    assert subscribed.update(b"one.example\n", "mine", "--force")[0] == 0
    assert subscribed.copy.read_bytes() == b"one.example\n"
    strange = b"not a name\n" * 20 + b"two.example\ncom\n"
    assert subscribed.update(strange, "mine")[0] == 1
    assert subscribed.update(strange, "mine", "--force")[0] == 0
    assert main(["why", "two.example", "www.com", "--config", str(subscribed.folder / "gatewatch.toml")]) == 0
    assert "two.example: mine" in (shown := subscribed.capsys.readouterr().out)
    assert "www.com: mine" not in shown
    for words in (b"com\n", b"<html>"):
        assert subscribed.update(words, "mine", "--force")[0] == 1
        assert subscribed.copy.read_bytes() == strange


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        (ways.packed(gzip.compress(GOOD, mtime=0)), {}),
        (ways.packed(gzip.compress(GOOD[:100], mtime=0) + gzip.compress(GOOD[100:], mtime=0)), {}),
        (GOOD, {"sha256": f'"{DIGEST.upper()}"'}),
        (ways.without_end, {"sha256": f'"{hashlib.sha256(SHORT).hexdigest()}"'}),
        (ways.to("/elsewhere"), {}),
    ],
    ids=["packed", "packed in two", "pinned", "pinned, without an end", "elsewhere"],
)
def test_what_is_good_is_taken(subscribed: Subscribed, page: ways.Page, keys: dict[str, str]) -> None:
    subscribed.server.pages["/elsewhere"] = GOOD
    assert subscribed.update(page, **keys)[0] == 0
    assert subscribed.copy.read_bytes() == (SHORT if page is ways.without_end else GOOD)


def test_a_file_is_fetched_like_any_other(subscribed: Subscribed, tmp_path: Path) -> None:
    source = tmp_path / "their list.txt"
    source.write_bytes(GOOD)
    url = source.as_uri()
    subscribed.configure(url)
    assert subscribed.lists()[0] == 0  # until then the file itself is read
    assert subscribed.update(b"", url=url)[0] == 0
    source.write_bytes(b"com\n")
    code, _, err = subscribed.update(b"", "mine", url=url)
    assert (code, err.count("a public suffix, under which")) == (1, 1)
    assert subscribed.copy.read_bytes() == GOOD
    source.unlink()
    assert f"{source} cannot be read: No such file or directory" in subscribed.update(b"", "mine", url=url)[2]
    for make, remove in ((os.mkfifo, os.unlink), (os.mkdir, os.rmdir)):
        make(source)
        assert f"{source} is not a regular file" in subscribed.update(b"", "mine", url=url)[2]
        remove(source)


def test_plain_http_is_for_this_host(subscribed: Subscribed) -> None:
    with ways.serving(None) as plain:
        plain.pages["/list"] = GOOD
        assert subscribed.update(GOOD, url=f"http://127.0.0.1:{plain.port}/list")[0] == 0
    assert subscribed.copy.read_bytes() == GOOD


def test_status_tells_age_entries_the_next_time_and_the_last_error(subscribed: Subscribed) -> None:
    subscribed.configure("file:///nowhere/list")
    assert main(["check", "--config", str(subscribed.folder / "gatewatch.toml")]) == 1, "it does not stop a service"
    assert "no copy of it yet" in subscribed.capsys.readouterr().out
    subscribed.configure(subscribed.url("/list"))
    code, out, _ = subscribed.lists("status")
    row = next(line for line in out.splitlines() if line.startswith("mine "))
    assert (code, row.split()[1:8]) == (1, [*"000000", "now"])
    assert row.endswith("no copy of it yet: run `gatewatch lists update mine` to fetch one")
    subscribed.update(GOOD)
    code, out, _ = subscribed.lists("status")
    row = next(line for line in out.splitlines() if line.startswith("mine "))
    assert (code, row.split()[:2], row.split()[-3:]) == (0, ["mine", "20"], ["23", "h", str(subscribed.copy)])
    subscribed.update(ways.code(500), "mine")
    code, out, _ = subscribed.lists("status", "--json")
    status = next(row for row in json.loads(out)["lists"] if row["list"] == "mine")
    assert (code, status["entries"], status["due_seconds"], status["failed_updates"]) == (1, 20, 0.0, 1)
    assert status["error"] == "1 update failed: the server answered 500 Internal Server Error"
    assert status["age_seconds"] < 3600


def test_json_tells_the_same(subscribed: Subscribed) -> None:
    subscribed.server.pages["/list"] = GOOD
    subscribed.configure(subscribed.url("/list"))
    code, out, err = subscribed.lists("update", "--json")
    (outcome,) = json.loads(out)["lists"]
    assert (code, err, outcome["result"], outcome["entries"], outcome["added"]) == (0, "", "updated", 20, 20)
    subscribed.update(ways.code(404))
    outcome = json.loads(subscribed.lists("update", "mine", "--json")[1])["lists"][0]
    assert (outcome["result"], outcome["error"]) == ("failed", "the server answered 404 Not Found")


def test_options_stand_where_one_likes(subscribed: Subscribed) -> None:
    subscribed.server.pages["/list"] = GOOD
    config = str(subscribed.configure(subscribed.url("/list")))
    for words in (
        ("lists", "--config", config, "update", "mine", "--json"),
        ("lists", "--json", "update", "--config", config, "mine"),
        ("lists", "update", "--json", "mine", "--config", config),
    ):
        assert main(list(words)) == 0
        assert json.loads(subscribed.capsys.readouterr().out)["lists"][0]["entries"] == 20


def test_names_that_are_none(subscribed: Subscribed, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(GOOD)
    subscribed.more = '[[list]]\nname = "own"\nurl = "own.txt"\n'
    subscribed.configure(subscribed.url("/list"))
    code, _, err = subscribed.lists("update", "mime")
    assert (code, err) == (2, "gatewatch: no list 'mime' is fetched, the nearest is 'mine'\n")
    assert "list own is a local file: there is nothing to fetch" in subscribed.lists("update", "own")[2]
    assert [subscribed.lists(*words)[0] for words in (("status", "mine"), ("--force",), ("renew",))] == [2, 2, 2]
    (tmp_path / "gatewatch.toml").write_text("")
    assert subscribed.lists("update") == (0, "no [[list]] in the configuration\n", "")


def test_two_updates_at_once(subscribed: Subscribed) -> None:
    folder = os.open(make_folder(str(subscribed.state)), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        code, _, err = subscribed.update(GOOD)
    finally:
        os.close(folder)
    assert (code, err.count("another `gatewatch lists update` is running")) == (1, 1)
    assert subscribed.server.asked == []


def test_whoever_watches_may_read_what_another_user_fetched(subscribed: Subscribed) -> None:
    subscribed.update(GOOD)
    folder = subscribed.copy.parent
    modes = [path.stat().st_mode & 0o777 for path in (folder, *sorted(folder.iterdir()))]
    assert modes == [0o755, 0o644, 0o644]


@pytest.mark.netns
def test_what_root_fetches_stays_its_owners(subscribed: Subscribed) -> None:
    folder = make_folder(str(subscribed.state))
    os.chown(folder, 65534, 65534)
    subscribed.update(GOOD)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()} == {(65534, 65534)}
    adopt(folder, subscribed.state)
    assert folder.stat().st_uid == os.geteuid()


def test_a_url_is_shown_without_its_secrets() -> None:
    assert shown("https://ann:secret@lists.example:8443/x?y") == "https://lists.example:8443/x?y"
    assert shown("https://lists.example/@x") == "https://lists.example/@x"
