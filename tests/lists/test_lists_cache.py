"""The kept index: the same answers as a fresh one, and never in the way."""

import os
from pathlib import Path

import pytest

from monitor.lists import cache
from monitor.lists.cache import load_cached
from monitor.lists.loader import Loaded, load_catalogue

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "gatewatch"


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    """Every index that had to be built."""
    built: list[Loaded] = []

    def build() -> Loaded:
        built.append(load_catalogue())
        return built[-1]

    monkeypatch.setattr(cache, "load_catalogue", build)
    return built


def test_the_second_run_reads_what_the_first_one_built(folder: Path, builds: list[Loaded]) -> None:
    first, second = load_cached(), load_cached()
    assert len(builds) == 1
    assert second.index.dump() == first.index.dump()
    assert [(status.name, status.entries, status.origin) for status in second.statuses] == [
        (status.name, status.entries, status.origin) for status in first.statuses
    ]
    (copy,) = folder.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "writable"])
def test_a_copy_that_is_not_whole_or_not_ours_is_built_anew(folder: Path, builds: list[Loaded], damage: str) -> None:
    load_cached()
    (copy,) = folder.iterdir()
    data = copy.read_bytes()
    if damage == "writable":
        copy.chmod(0o666)
    else:
        copy.write_bytes({"cut": data[:-1], "flipped": data[:-1] + bytes((data[-1] ^ 1,)), "empty": b""}[damage])
    found = load_cached().index.match_name(b"www.tiktok.com")
    assert found is not None
    assert found.vendor == "bytedance"
    assert len(builds) == 2


def test_without_a_place_for_copies_it_works_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_cached().index.match_name(b"www.tiktok.com") is not None


def test_old_copies_go(folder: Path) -> None:
    folder.mkdir()
    for at in range(8):
        (folder / f"index-{at}").write_text("old")
        os.utime(folder / f"index-{at}", (at, at))
    load_cached()
    assert len(list(folder.iterdir())) == cache.COPIES_KEPT
    assert not (folder / "index-4").exists()
