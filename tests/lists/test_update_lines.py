"""Lines that no ban may touch, packed lists, and what `lists` shows of the way that a list was read."""

import gzip
import hashlib
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from subscribed import GOOD, Subscribed

from monitor.cli.main import main

pytestmark = pytest.mark.slow


def row_of(subscribed: Subscribed) -> dict[str, object]:
    """Returns the row of the list in `lists --json`."""
    rows = json.loads(subscribed.lists("--json")[1])["lists"]
    found: dict[str, object] = next(row for row in rows if row["list"] == "mine")
    return found


def why(subscribed: Subscribed, name: str) -> str:
    assert main(["why", name, "--config", str(subscribed.folder / "gatewatch.toml")]) == 0
    return subscribed.capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("net.kg", "net.kg", "a public suffix, under which anybody can register names"),
        ("*.com", "com", "a public suffix, under which anybody can register names"),
        ("vendorpool.pool.ntp.org", "vendorpool.pool.ntp.org", "a protected name, which no ban may touch"),
        ("captive.apple.com", "captive.apple.com", "a protected name, which no ban may touch"),
        ("www.school.example", "www.school.example", "a protected name, which no ban may touch"),
    ],
)
def test_a_line_that_no_ban_may_touch_costs_that_line(
    subscribed: Subscribed, line: str, name: str, reason: str
) -> None:
    subscribed.more = '[protect]\nnames = ["school.example"]\n[[ban]]\nvendors = ["mine"]\nmode = "enforce"\n'
    code, out, err = subscribed.update(GOOD + f"{line}\nlast.good.example\n".encode())
    assert (code, err) == (0, "")
    assert out.startswith("mine: 21 entries, 21 added (")
    assert f"), 1 line left out (line 22: {reason}: {name})\n" in out
    row = row_of(subscribed)
    assert (row["entries"], row["ignored_lines"], row["complaints"]) == (21, 1, [f"line 22: {reason}: {name}"])
    assert "mine" not in why(subscribed, name)
    assert "last.good.example: mine" in why(subscribed, "last.good.example")


def test_what_lies_above_a_protected_name_stays(subscribed: Subscribed) -> None:
    assert subscribed.update(GOOD + b"apple.com\n")[1].startswith("mine: 21 entries")


def test_an_own_file_loses_such_a_line_too(subscribed: Subscribed, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(GOOD + b"x.pool.ntp.org\ncom\n")
    subscribed.configure("own.txt")
    assert main(["check", "--config", str(tmp_path / "gatewatch.toml")]) == 1
    lines = subscribed.capsys.readouterr().out.splitlines()
    assert f"{tmp_path}/own.txt:22: a protected name, which no ban may touch: x.pool.ntp.org" in lines
    assert f"{tmp_path}/own.txt:23: a public suffix, under which anybody can register names: com" in lines


def test_most_lines_of_an_own_file_gave_nothing(subscribed: Subscribed, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(b"a.example\n" + b"not a name\n" * 300)
    subscribed.configure("own.txt", format='"domains"')
    assert main(["check", "--config", str(tmp_path / "gatewatch.toml")]) == 1
    first = subscribed.capsys.readouterr().out.splitlines()[0]
    assert first == f"{tmp_path}/own.txt: most lines (300) gave no entry as domains, and 1 did: check `format`"


def test_an_own_file_that_is_a_ranking_is_no_list(subscribed: Subscribed, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(b"1,a.example\n2,b.example\n")
    subscribed.configure("own.txt")
    assert main(["check", "--config", str(tmp_path / "gatewatch.toml")]) == 2
    line = subscribed.capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{tmp_path}/own.txt: list mine: no list, lines of a number and a name, as in a ranking")
    assert 'format = "csv" takes the names' in line


def test_a_list_with_a_public_suffix_is_refused_where_one_asks_for_that(subscribed: Subscribed) -> None:
    assert subscribed.update(GOOD + b"net.kg\n", public_suffixes='"refuse"')[0] == 1
    assert subscribed.update(GOOD + b"net.kg\n", public_suffixes='"skip"')[0] == 0


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_packed_list_is_kept_as_it_came_and_read(subscribed: Subscribed, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(GOOD[:100]) + pack(GOOD[100:])
    pin = f'"{hashlib.sha256(packed).hexdigest()}"'
    assert subscribed.update(packed, sha256=pin)[1].startswith("mine: 20 entries")
    assert subscribed.copy.read_bytes() == packed
    assert "n3.good.example: mine" in why(subscribed, "n3.good.example")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_packed_file_of_ones_own(subscribed: Subscribed, pack: Callable[[bytes], bytes]) -> None:
    own = subscribed.folder / "own"
    subscribed.configure("own")
    own.write_bytes(pack(GOOD))
    row = row_of(subscribed)
    assert (row["entries"], row["format"], row["suffixes"], row["complaints"]) == (20, "domains", 20, [])
    own.write_bytes(pack(GOOD)[:-12])
    assert str(row_of(subscribed)["complaints"]).count("and cut off: the rest is not read") == 1
    own.write_bytes(pack(b"a.example\n" * 1_000_000))
    subscribed.configure("own", max_bytes='"1KiB"')
    row = row_of(subscribed)
    assert (row["entries"], row["complaints"]) == (102, ["longer than max_bytes (1,024): the rest is not read"])
    own.write_bytes(b"PK\x03\x04" + GOOD)
    assert str(row_of(subscribed)["error"]).startswith("packed as zip, which is not read")


def test_lists_show_format_and_sense(subscribed: Subscribed) -> None:
    rules = b"payload:\n- +.a.example\n- b.example\n- 5.188.10.0/24\n- IP-ASN,64500\n- DOMAIN-KEYWORD,c\n"
    assert subscribed.update(rules)[0] == 0
    row = row_of(subscribed)
    keys = ("format", "entries", "suffixes", "exacts", "prefixes", "asns", "ignored_lines")
    assert [row[key] for key in keys] == ["clash", 4, 1, 1, 1, 1, 1]
    head, line = subscribed.lists()[1].splitlines()[:2]
    assert head.split()[:8] == ["LIST", "ENTRIES", "SUFFIX", "EXACT", "PREFIX", "ASN", "IGNORED", "FORMAT"]
    assert line.split()[:8] == ["mine", "4", "1", "1", "1", "1", "1", "clash"]
    shipped = next(row for row in json.loads(subscribed.lists("--json")[1])["lists"] if row["list"] == "bytedance")
    assert (shipped["format"], shipped["suffixes"] > 50, shipped["prefixes"] > 0) == (None, True, True)
