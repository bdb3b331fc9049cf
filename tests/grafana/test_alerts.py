"""The alerts, tried out by Prometheus' own tool, and the runbook that goes with them."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from expressions import FOLDER, RULES, TARGET, Asked, alerts, asked_by_rules, known, names

ALERTS = alerts()
TESTS = sorted((FOLDER / "alerts" / "tests").glob("*.yml"))
each = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


def promtool(*arguments: str) -> str:
    tool = shutil.which("promtool")
    assert tool, "promtool is in Debian's package prometheus"
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.programs
def test_promtool_finds_nothing_to_say_about_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES))


@pytest.mark.programs
def test_promtool_takes_the_configuration_with_all_rules() -> None:
    said = promtool("check", "config", str(FOLDER / "prometheus.yml"))
    assert f"{len(RULES)} rule files found" in said


@pytest.mark.programs
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_alerts_fire_when_they_should_and_not_otherwise(path: Any) -> None:
    promtool("test", "rules", str(path))


def test_every_alert_is_tried_firing_and_silent() -> None:
    firing, silent = set(), set()
    for path in TESTS:
        for story in yaml.safe_load(path.read_text())["tests"]:
            for case in story["alert_rule_test"]:
                (firing if case["exp_alerts"] else silent).add(case["alertname"])
    everything = {alert["alert"] for alert in ALERTS}
    assert everything - firing == set()
    # An empty list is empty at once.
    assert everything - silent <= {"GatewatchListEmpty"}


@each
def test_whoever_is_woken_learns_what_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["description"].endswith(".")
    assert alert["annotations"]["runbook_url"] == f"runbook.md#{alert['alert'].lower()}"


def test_the_runbook_has_a_section_for_every_alert_and_for_no_other() -> None:
    runbook = (FOLDER / "runbook.md").read_text()
    sections = re.split(r"^## ", runbook, flags=re.MULTILINE)[1:]
    titles = [section.split("\n", 1)[0] for section in sections]
    assert titles == [alert["alert"] for alert in ALERTS]
    for section in sections:
        assert "**Means**" in section
        assert "**Costs**" in section
    assert set(re.findall(r"\]\(#([a-z]+)\)", runbook)) <= {title.lower() for title in titles}


@pytest.mark.parametrize("asked", asked_by_rules(), ids=lambda asked: asked.where)
def test_every_metric_and_label_that_a_rule_names_exists(asked: Asked) -> None:
    metrics = known()
    named = names(asked.expression)
    asked_for = named & metrics.keys()
    assert asked_for, asked.expression
    labels = set.union(TARGET, *(metrics[name] for name in asked_for))
    assert named - asked_for <= labels, asked.expression
