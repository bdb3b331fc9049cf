"""How the dashboards read: each test stands for a defect that was seen when they were looked at, over real data."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from expressions import DASHBOARDS, asked_by_panels, panels

each = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)

# On a screen of 1000 px, in px: a column of the grid, what surrounds a title, and a letter of it.
COLUMN, AROUND, LETTER = 40.3, 54, 7.2
# Binary for bytes, as the command's tables; counts written out, never as "2 K"; rates by what they count.
UNITS = {"bytes", "binBps", "locale", "suffix:/s", "suffix:/min", "s", "percentunit", "cores"}


def of_type(path: Path, kind: str) -> list[dict[str, Any]]:
    return [panel for panel in panels(path) if panel["type"] == kind]


def overrides(panel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By the field's name, what is set for it."""
    found: dict[str, dict[str, Any]] = {}
    for one in panel["fieldConfig"]["overrides"]:
        found.setdefault(one["matcher"]["options"], {}).update(
            {each["id"]: each["value"] for each in one["properties"]}
        )
    return found


def arrangement(table: dict[str, Any]) -> dict[str, Any]:
    (organize,) = [one["options"] for one in table["transformations"] if one["id"] == "organize"]
    return dict(organize)


def shown(table: dict[str, Any]) -> list[str]:
    """The headers of a table, from left to right."""
    organize = arrangement(table)
    names = sorted(organize["indexByName"], key=organize["indexByName"].get)
    return [organize["renameByName"][name] for name in names if name not in organize["excludeByName"]]


@each
def test_figures_are_in_units_that_go_together(path: Path) -> None:
    for panel in panels(path):
        units = {panel["fieldConfig"]["defaults"]["unit"]}
        if panel["type"] == "table":
            units |= {values["unit"] for values in overrides(panel).values() if "unit" in values}
        assert units <= UNITS, panel["title"]


@each
def test_a_table_shows_each_column_under_a_title_and_nothing_else(path: Path) -> None:
    for table in of_type(path, "table"):
        headers = shown(table)
        organize = arrangement(table)
        figures = [name for name in organize["renameByName"] if name.startswith("Value")]
        assert len(figures) == len(table["targets"]), table["title"]
        labels = set(organize["renameByName"]) - set(figures)
        for target in table["targets"]:
            grouped = re.search(r" by \(([^)]*)\)", target["expr"])
            assert grouped, target["expr"]
            assert set(grouped[1].split(", ")) <= labels, target["expr"]
        assert all(header[0].isupper() for header in headers), headers
        assert len(set(headers)) == len(headers), headers
        assert "Time" in organize["excludeByName"], table["title"]


@each
def test_what_is_set_for_a_column_or_a_sort_order_is_of_one_that_there_is(path: Path) -> None:
    for table in of_type(path, "table"):
        known = set(arrangement(table)["renameByName"].values())
        assert set(overrides(table)) <= known, table["title"]
        (order,) = table["options"]["sortBy"]
        assert order["displayName"] in shown(table), table["title"]


@each
def test_no_header_of_a_table_is_cut_off_and_a_small_screen_takes_it_whole(path: Path) -> None:
    for table in of_type(path, "table"):
        least = {name: values["custom.minWidth"] for name, values in overrides(table).items()}
        widths = [least[header] for header in shown(table)]
        assert all(least[header] >= LETTER * len(header) + 12 for header in shown(table)), table["title"]
        assert sum(widths) <= table["gridPos"]["w"] * COLUMN - 24, table["title"]


@each
def test_no_table_has_a_word_for_no_data(path: Path) -> None:
    """In a table it would stand in every cell that is empty for a good reason."""
    for table in of_type(path, "table"):
        assert "noValue" not in table["fieldConfig"]["defaults"], table["title"]


@each
def test_ranges_of_values_have_an_end(path: Path) -> None:
    """To Grafana an end that is null is zero."""
    ranges = re.findall(r'"options": \{[^{}]*"from"[^{}]*(?:\{[^{}]*\})?[^{}]*\}', path.read_text())
    assert path.stem != "itself" or ranges
    assert all("null" not in one for one in ranges), ranges


@each
def test_curves_of_nothing_lie_at_the_bottom_and_below_their_threshold(path: Path) -> None:
    """Without an end to the axis Grafana draws zeros on one from 0 to 100, and a threshold of 1 upon them."""
    for curve in of_type(path, "timeseries"):
        defaults = curve["fieldConfig"]["defaults"]
        limits = [step["value"] for step in defaults["thresholds"]["steps"] if step["value"] is not None]
        assert defaults["custom"]["axisSoftMin"] == 0, curve["title"]
        assert defaults["custom"]["axisSoftMax"] == (min(limits) if limits else defaults["custom"]["axisSoftMax"])
        assert defaults["custom"]["axisSoftMax"] > 0, curve["title"]
        assert defaults["custom"]["showPoints"] == "auto", f"{curve['title']}: a single sample makes no line"


@each
def test_legends_have_names_and_room(path: Path) -> None:
    for curve in of_type(path, "timeseries"):
        names = [target["legendFormat"] for target in curve["targets"]]
        assert all(name and name != "__auto" for name in names), curve["title"]
        legend = curve["options"]["legend"]
        assert legend["showLegend"], curve["title"]
        if legend["placement"] == "right":
            assert curve["gridPos"]["w"] >= 12, curve["title"]
            assert not any(name.count("{{") > 1 for name in names), curve["title"]


@each
def test_titles_fit_on_a_small_screen(path: Path) -> None:
    for panel in panels(path):
        assert AROUND + LETTER * len(panel["title"]) <= panel["gridPos"]["w"] * COLUMN, panel["title"]


@each
def test_rows_of_panels_have_no_holes(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text())["panels"]:
        place = panel["gridPos"]
        width = 24 - place["x"] if "repeat" in panel else place["w"]
        taken |= {(place["x"] + x, place["y"] + y) for x in range(width) for y in range(place["h"])}
    bottom = max(y for _, y in taken) + 1
    assert {(x, y) for x in range(24) for y in range(bottom)} == taken


def test_links_keep_the_time_the_source_and_the_gateways() -> None:
    links = [
        link["url"]
        for path in DASHBOARDS
        for table in of_type(path, "table")
        for values in overrides(table).values()
        for link in values.get("links", [])
    ]
    assert len(links) == 3
    for url in links:
        for kept in ("${__url_time_range}", "${datasource:queryparam}", "${instance:queryparam}"):
            assert kept in url, url


def test_bans_for_everyone_are_bans_for_every_group_that_is_chosen() -> None:
    """They have the group `all`, which no device has: it leads nowhere, and must not be lost by choosing a group."""
    counted = (
        "ban_info", "dns_blocked_queries_total", "killed_flows_total", "refused_packets_total", "blocked_bytes_total",
        "leaked_bytes_total", "ban_devices",
    )  # fmt: skip
    asked = [one for one in asked_by_panels() if one.where.startswith("compliance: ")]
    bans = [one.expression for one in asked if any(f"gatewatch_{name}{{" in one.expression for name in counted)]
    grouped = [expression for expression in bans if "$vendor" in expression]
    assert len(grouped) > 8
    assert all('group=~"$group|all"' in expression for expression in grouped)
    rows = [one.expression for one in asked if one.where.startswith("compliance: Bans ")]
    assert len(rows) == 8
    assert all(expression.endswith('"group", "All", "group", "all")') for expression in rows)
    board = json.loads(next(path for path in DASHBOARDS if path.stem == "compliance").read_text())
    (group,) = [one for one in board["templating"]["list"] if one["name"] == "group"]
    assert 'group!="all"' in group["query"]["query"]
