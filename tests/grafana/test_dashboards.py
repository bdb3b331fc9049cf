"""The dashboards are what the code makes, well formed, and ask for nothing that there is not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from expressions import DASHBOARDS, FOLDER, TARGET, Asked, asked_by_panels, known, names, panels, rules
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitor.metrics.families import FAMILIES

each = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(path.read_text())
    return board


def test_they_are_what_the_code_makes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    subprocess.run([sys.executable, "-P", "-m", "boards", str(tmp_path)], env=environment, check=True)
    made = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    assert made == {path.name: path.read_text() for path in DASHBOARDS}, "`make dashboards` writes them again"


@each
def test_grafanas_own_model_reads_it_without_loss(path: Path) -> None:
    board = load(path)
    assert json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder)) == board


@each
def test_every_panel_says_what_it_shows(path: Path) -> None:
    for panel in panels(path):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["thresholds"]["steps"][0]["value"] is None, panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert panel["targets"], panel["title"]


@each
def test_no_two_panels_lie_on_each_other_and_each_has_its_number(path: Path) -> None:
    board = load(path)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in board["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))


@each
def test_variables_are_there_and_used(path: Path) -> None:
    board = load(path)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    text = path.read_text()
    assert {"datasource", "instance"} <= variables
    for variable in variables:
        assert f"${variable}" in text or f"${{{variable}}}" in text, variable
    assert "$vendor" not in text or "vendor" in variables
    assert "$group" not in text or "group" in variables


def test_links_lead_to_dashboards_that_exist() -> None:
    boards = [load(path) for path in DASHBOARDS]
    places = {f"/d/{board['uid']}" for board in boards}
    assert len(places) == len(DASHBOARDS)
    linked = set()
    for board, path in zip(boards, DASHBOARDS, strict=True):
        (link,) = board["links"]
        assert link["type"] == "dashboards"
        assert set(link["tags"]) <= set(board["tags"])
        assert link["includeVars"]
        assert link["keepTime"]
        for panel in panels(path):
            for override in panel["fieldConfig"]["overrides"]:
                for value in override["properties"]:
                    if value["id"] == "links":
                        linked |= {one["url"].split("?")[0] for one in value["value"]}
    assert linked
    assert linked <= places


@pytest.mark.parametrize("asked", asked_by_panels(), ids=lambda asked: asked.where)
def test_every_metric_and_label_that_a_panel_names_exists(asked: Asked) -> None:
    metrics = known()
    named = names(asked.expression)
    asked_for = named & metrics.keys()
    assert asked_for, asked.expression
    labels = set.union(TARGET, *(metrics[name] for name in asked_for))
    assert named - asked_for <= labels, asked.expression


def test_every_metric_is_in_a_panel_as_it_is_or_summed_and_no_deprecated_one() -> None:
    recorded = " ".join(rule["expr"] for rule in rules() if "record" in rule)
    asked = set().union(*(names(one.expression) for one in asked_by_panels()), names(recorded))
    alerted = set().union(*(names(rule["expr"]) for rule in rules()))
    for family in FAMILIES:
        if family.help.startswith("Deprecated"):
            assert family.full_name not in asked | alerted
        else:
            assert {family.full_name, f"{family.full_name}_bucket"} & asked, family.full_name


def test_every_choice_asks_a_metric_and_label_that_exist() -> None:
    metrics = known()
    for path in DASHBOARDS:
        for variable in load(path)["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = (
                    variable["query"]["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
                )
                assert label in metrics[metric.split("{")[0]] | TARGET


def test_provisioning_finds_what_it_provisions() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/gatewatch.yml").read_text())["datasources"]
    scraping = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
    chosen = {load(path)["templating"]["list"][0]["current"]["value"] for path in DASHBOARDS}
    assert chosen == {source["uid"]}
    assert source["name"] != "Prometheus", "Grafana would turn a source of that name into this one"
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/gatewatch.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/gatewatch"
