"""The pipeline on small snapshots: what sources agree on comes in, and no source can poison the catalogue."""

import json
from pathlib import Path

import pytest
from pipeline.provenance import read_rows
from pipeline.run import Outcome, run, write
from pipeline.sources import TABLE as SOURCES
from pipeline.sources import Source, SourceError, read_source, read_sources
from pipeline.v2fly_tree import read_tree

VENDOR = """kind = "vendor"
name = "{name}"
[services]
app = "App"

[[entries]]
service = "app"
source = "v2fly"
suffix = ["{slug}.com"]
"""
SHARED = """kind = "shared"
name = "Shared"
[[entries]]
source = "v2fly"
hosting = true
suffix = ["edge-network.net"]
"""


def source(name: str, date: str = "2026-08-01", **keys: object) -> Source:
    """A source of the family of its own name: a folder of domain lists, a file per vendor."""
    row = {
        "name": name, "family": name, "address": "https://example.com", "revision": "1", "date": date,
        "licence": "MIT", "use": "copy", "parser": "domains", "path": name, "weight": 1.0, "entries_max": 5_000,
        "same": True, **keys,
    }  # fmt: skip
    return read_source(row)


class Bench:
    """A catalogue of two vendors and a shared network, and snapshots."""

    def __init__(self, folder: Path) -> None:
        self.lists, self.inputs = folder / "blocklists", folder / "inputs"
        self.table = folder / "provenance.tsv"
        (self.lists / "vendors").mkdir(parents=True)
        for slug, name in (("bytedance", "ByteDance"), ("google", "Google")):
            (self.lists / "vendors" / f"{slug}.toml").write_text(VENDOR.format(name=name, slug=slug))
        (self.lists / "shared-infrastructure.toml").write_text(SHARED)

    def snapshot(self, source: str, vendor: str, *names: str) -> None:
        path = self.inputs / source / vendor
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(names) + "\n")

    def run(self, *sources: Source, accepted: str = "") -> Outcome:
        outcome = run(list(sources), [self.inputs], self.lists, self.table, frozenset({accepted} - {""}))
        write(outcome, self.lists, self.table)
        return outcome

    def vendor(self, slug: str) -> str:
        return (self.lists / "vendors" / f"{slug}.toml").read_text()

    def everything(self) -> dict[str, bytes]:
        files = [*self.lists.rglob("*.toml"), self.table]
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ONE, TWO = source("one"), source("two", "2026-09-01")


def test_names_of_two_families_come_in_with_their_provenance(bench: Bench) -> None:
    bench.snapshot("one", "bytedance", "new-app.com", "only-one.com")
    bench.snapshot("two", "bytedance", "www.new-app.com", "*.bytedance.com")
    outcome = bench.run(ONE, TWO)
    assert [(one.name, one.vendor, one.sources) for one in outcome.merge.additions] == [
        ("new-app.com", "bytedance", ("one", "two"))
    ]
    assert '"new-app.com"' in bench.vendor("bytedance")
    assert outcome.merge.singles == ["only-one.com: bytedance (one)"]
    row = read_rows(bench.table.read_text())["new-app.com"]
    assert (row.owner, row.sources, row.first, row.last) == ("pipeline", ("one", "two"), "2026-08-01", "2026-09-01")


def test_a_merge_run_twice_gives_the_same_bytes(bench: Bench) -> None:
    names = [f"name{number}.com" for number in range(50)]
    bench.snapshot("one", "google", *names)
    bench.snapshot("two", "google", *reversed(names))
    first = bench.run(ONE, TWO)
    written = bench.everything()
    second = bench.run(TWO, ONE)
    assert bench.everything() == written
    assert second.merge.additions == first.merge.additions


def test_a_family_counts_once(bench: Bench) -> None:
    bench.snapshot("one", "google", "copied.com")
    bench.snapshot("copy", "google", "copied.com")
    assert bench.run(ONE, source("copy", family="one")).merge.additions == []


def test_a_source_of_the_vendor_itself_is_enough(bench: Bench) -> None:
    bench.snapshot("one", "google", "endpoint.com")
    assert [one.name for one in bench.run(source("one", authoritative=True)).merge.additions] == ["endpoint.com"]


def test_harvested_hosts_alone_prove_no_domain(bench: Bench) -> None:
    bench.snapshot("one", "google", "a.somebody.com")
    bench.snapshot("two", "google", "b.somebody.com")
    assert bench.run(ONE, TWO).merge.additions == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("time.apple.com", ""),
        ("edge-network.net", "a shared name"),
        ("tenant.edge-network.net", ""),
        ("github.io", "a shared name"),
        ("some-bank.com", "an innocent name"),
    ],
)
def test_a_name_that_no_source_may_add_is_reported(bench: Bench, name: str, reason: str) -> None:
    for one in ("one", "two"):
        bench.snapshot(one, "bytedance", name, "co.uk", "fine.com")
    banks = bench.inputs / "misp-warninglists/lists/bank-website/list.json"
    banks.parent.mkdir(parents=True)
    banks.write_text(json.dumps({"list": [".some-bank.com"]}))
    outcome = bench.run(ONE, TWO)
    assert [one.name for one in outcome.merge.additions] == ["fine.com"]
    assert "a public suffix, under which anybody can register names: co.uk" in outcome.text
    assert all(reason in line for line in outcome.merge.refused)
    assert len(outcome.merge.refused) == (1 if reason else 0)


def test_a_name_of_another_vendor_is_a_conflict(bench: Bench) -> None:
    for one in ("one", "two"):
        bench.snapshot(one, "bytedance", "google.com")
    outcome = bench.run(ONE, TWO)
    assert outcome.merge.additions == []
    assert outcome.merge.conflicts == ["google.com: the catalogue has google, the sources bytedance (one two)"]
    assert outcome.merge.conflicts[0] in outcome.text


def test_two_vendors_for_one_name_are_a_conflict(bench: Bench) -> None:
    for one in ("one", "two"):
        bench.snapshot(one, "bytedance", "both.com")
        bench.snapshot(one, "google", "both.com")
    outcome = bench.run(ONE, TWO)
    assert outcome.merge.additions == []
    assert outcome.merge.conflicts == [
        "both.com: the catalogue has nothing, the sources bytedance (one two), google (one two)"
    ]


def test_a_million_names_set_their_source_aside(bench: Bench) -> None:
    bench.snapshot("one", "bytedance", *[f"n{number}.com" for number in range(1_000_000)])
    bench.snapshot("two", "bytedance", "n1.com", "n2.com")
    outcome = bench.run(ONE, TWO)
    assert outcome.merge.additions == []
    assert "one (MIT), 2026-08-01: set aside: more than 5,000 names" in outcome.text


def test_many_names_at_once_wait_for_a_person(bench: Bench) -> None:
    names = [f"n{number}.com" for number in range(500)]
    for one in ("one", "two"):
        bench.snapshot(one, "bytedance", *names)
    held = bench.run(ONE, TWO)
    assert held.merge.additions == []
    assert held.merge.held == ["bytedance: 500 new names at once: read them, then run with --accept bytedance"]
    assert len(bench.run(ONE, TWO, accepted="bytedance").merge.additions) == 500
    # What was accepted once is not new.
    assert bench.run(ONE, TWO).merge.held == []


def test_an_entry_that_no_source_has_is_removed_only_after_months(bench: Bench) -> None:
    for one in ("one", "two"):
        bench.snapshot(one, "google", "old.com")
    bench.run(ONE, TWO)
    for one in ("one", "two"):
        bench.snapshot(one, "google", "google.com")
    kept = bench.run(ONE, source("two", "2027-02-01"))
    assert [one.name for one in kept.merge.additions] == ["old.com"]
    assert read_rows(bench.table.read_text())["old.com"].last == "2026-09-01"
    gone = bench.run(ONE, source("two", "2027-03-01"))
    assert gone.merge.removed == ["old.com: google: no source since 2026-09-01"]
    assert "old.com" not in bench.vendor("google")
    assert bench.vendor("google") == VENDOR.format(name="Google", slug="google")


def test_a_measured_source_gives_no_name_and_counts_in_the_coverage(bench: Bench) -> None:
    bench.snapshot("one", "google", "agreed.com", "google.com")
    bench.snapshot("nc", "google", "agreed.com", "google.com", "nc-only.com")
    outcome = bench.run(ONE, source("nc", licence="CC-BY-NC-SA-4.0", use="measure"))
    assert outcome.merge.additions == []
    assert "nc-only.com" not in outcome.text
    assert "| google | 2 | 50.0% | 50.0% |" in outcome.text


def test_a_source_whose_licence_permits_no_copy_cannot_be_copied() -> None:
    with pytest.raises(SourceError, match=r'one: the licence GPL-3\.0 permits no copy: use = "measure"'):
        source("one", licence="GPL-3.0")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[source]", "is not TOML"),
        ('[[source]]\nname = "one"', "one: a key is missing or unknown"),
    ],
)
def test_a_table_of_sources_that_is_wrong_is_one_line(text: str, fault: str) -> None:
    with pytest.raises(SourceError, match=fault):
        read_sources(text)


def test_the_table_of_sources_is_right_and_notice_names_every_source() -> None:
    notice = (SOURCES.parents[2] / "NOTICE").read_text()
    for one in read_sources(SOURCES.read_text()):
        assert one.address.removeprefix("https://github.com/") in notice, f"NOTICE does not name {one.address}"


def test_an_absent_snapshot_is_reported(bench: Bench) -> None:
    bench.snapshot("one", "google", "google.com")
    assert "two (MIT), 2026-09-01: set aside: its snapshot is in no folder of inputs" in bench.run(ONE, TWO).text


def test_v2fly_includes_are_followed_with_their_filters(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("big.com # a comment\ninclude:small @ads @-cn\ninclude:absent\n")
    (tmp_path / "small").write_text("plain.com\nads.com @ads\nfull:cn.com @ads @cn\ninclude:big\n")
    assert list(read_tree(tmp_path, "big")) == [
        ("big", ["big.com"]),
        ("small", ["ads.com @ads"]),
        ("big", []),
    ]
