"""The catalogue as the pipeline has merged it: provenance, repetition, coverage."""

import shutil
import tomllib
from pathlib import Path

import corpus
import pytest
from pipeline.coverage import TARGET, Covered
from pipeline.provenance import PIPELINE, read_rows
from pipeline.provenance import TABLE as PROVENANCE
from pipeline.run import coverage, run, write
from pipeline.sources import TABLE as SOURCES
from pipeline.sources import read_sources
from pipeline.writing import MARK, without_pipeline

from monitor.lists.shipped import find_folder

SNAPSHOTS = corpus.CATALOGUE / "sources"


def test_every_entry_of_the_pipeline_has_its_provenance() -> None:
    rows = {name: row for name, row in read_rows(PROVENANCE.read_text()).items() if row.owner == PIPELINE}
    listed: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in sorted((find_folder() / "vendors").glob("*.toml")):
        for group in tomllib.loads(path.read_text().partition(MARK)[2]).get("entries", []):
            for name in group["suffix"]:
                listed[name] = (path.stem, tuple(group["source"].split(", ")))
    assert listed == {name: (row.vendor, row.sources) for name, row in rows.items()}
    assert len(rows) > 20
    assert all(row.first and row.first <= row.last for row in rows.values())


@pytest.mark.slow
@pytest.mark.corpus
def test_the_sources_merged_once_more_change_no_byte(tmp_path: Path) -> None:
    folder, table = tmp_path / "blocklists", tmp_path / "provenance.tsv"
    shutil.copytree(find_folder(), folder)
    shutil.copy(PROVENANCE, table)
    sources = read_sources(SOURCES.read_text())
    outcome = run(sources, [SNAPSHOTS], folder, table, frozenset())
    assert write(outcome, folder, table) == []
    # From the part that is written by hand alone, the same comes out again.
    for path in (folder / "vendors").glob("*.toml"):
        path.write_text(without_pipeline(path.read_text()))
    table.unlink()
    write(run(sources, [SNAPSHOTS], folder, table, frozenset()), folder, table)
    for path in sorted((folder / "vendors").glob("*.toml")):
        assert path.read_bytes() == (find_folder() / "vendors" / path.name).read_bytes(), path.name
    assert table.read_bytes() == PROVENANCE.read_bytes()


@pytest.mark.slow
@pytest.mark.corpus
def test_the_catalogue_has_nearly_all_that_two_families_agree_on() -> None:
    found = coverage(read_sources(SOURCES.read_text()), [SNAPSHOTS], find_folder())
    assert found[""].agreed > 700
    for vendor in ("", "bytedance", "tencent", "meta", "alibaba", "kuaishou"):
        covered = found.get(vendor, Covered())
        assert covered.share >= TARGET, (vendor, covered.missing)
