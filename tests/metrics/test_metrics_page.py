"""The page as a whole: its golden file, promtool's opinion, and who may be on it."""

import shutil
import subprocess
from collections.abc import Callable

import pytest
from pages import collector

from monitor.metrics.collector import Collector
from monitor.metrics.engine import build_samples
from monitor.metrics.families import COUNTER, FAMILIES


def test_the_page_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    golden("metrics.txt", collector().text())


@pytest.mark.programs
def test_promtool_finds_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is in Debian's package prometheus"
    lint = subprocess.run(
        [promtool, "check", "metrics"], input=collector(process=True).text(), capture_output=True, text=True
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")


def test_the_table_is_well_formed() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert family.name.endswith("_total") == (family.type == COUNTER), family.name
        assert family.help.endswith("."), family.name
        assert not {"device", "mac", "address", "domain", "name", "host"} & set(family.labels), family.name


def test_sources_are_joined_and_asked_only_when_somebody_scrapes() -> None:
    asked: list[str] = []

    def one() -> dict[str, dict[tuple[str, ...], float]]:
        asked.append("one")
        return {"list_entries": {("a",): 1.0}}

    page = Collector([one, lambda: {"list_entries": {("b",): 2.0}}, build_samples], [], process=False)
    assert asked == []
    text = page.text()
    assert asked == ["one"]
    assert 'gatewatch_list_entries{list="a"} 1\ngatewatch_list_entries{list="b"} 2\n' in text
    assert 'engine="' in text


def test_what_the_core_and_the_kernel_count_in_one_series_is_added() -> None:
    cut = {"shadow_blocked_total": {("meta", "", "all", "ip"): 2.0, ("meta", "instagram", "all", "ip"): 1.0}}
    refused = {"shadow_blocked_total": {("meta", "", "all", "ip"): 40.0}}
    text = Collector([lambda: cut, lambda: refused], [], process=False).text()
    assert 'service="",group="all",layer="ip"} 42\n' in text
    assert 'service="instagram",group="all",layer="ip"} 1\n' in text


def test_a_family_that_the_table_does_not_know_is_a_fault() -> None:
    with pytest.raises(KeyError, match="no metric family is called surprise_total"):
        Collector([lambda: {"surprise_total": {(): 1.0}}], []).text()
