"""README tells what the code does: every verb, every metric, and no other; every path and target that it names."""

import re
import subprocess
import sys
from pathlib import Path

import documented
import pytest
import yaml
from generate.pages import FOLDER, stale_pages

from monitor.metrics.families import FAMILIES, PREFIX, Family

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text()


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.full_name}` | {family.type} | {labels} | {family.help} |".replace("|  |", "| |")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_metric_is_in_the_table(family: Family) -> None:
    assert row(family) in README


def test_no_other_metric_is_named() -> None:
    assert set(re.findall(rf"`({PREFIX}[a-z_]+)", README)) <= set(documented.metrics())


@pytest.mark.parametrize("verb", documented.commands())
def test_every_verb_is_shown(verb: str) -> None:
    assert f"gatewatch {verb}" in README or f"make {verb}" in README


def test_every_make_target_and_file_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE)) <= targets
    for path in re.findall(r"\]\(([^)h#][^)]*)\)", README):
        assert (CHECKOUT / path).exists(), path


def test_the_generated_references_are_what_the_code_gives() -> None:
    """In a checkout without an environment: `PYTHONPATH=.:docs python3 -P -m generate`."""
    assert stale_pages() == [], f"pages in {FOLDER} are stale: run `make references`"


def test_every_target_of_make_that_people_use_is_in_its_help() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.MULTILINE)[1].replace("\\\n", " ").split())
    explained = set(re.findall(r"^([a-z0-9-]+):.*? ## .", text, re.MULTILINE))
    assert explained == phony - {"test-installed", "test-interpreted"}  # halves of `test`
    shown = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in shown.splitlines()} == explained


def test_hooks_before_a_commit_need_no_network() -> None:
    """pre-commit takes the configuration, and every hook is a program that is here."""
    path = CHECKOUT / ".pre-commit-config.yaml"
    command = [sys.executable, "-P", "-m", "pre_commit", "validate-config", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    repositories = yaml.safe_load(path.read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        (program,) = re.findall(r"\.venv/bin/\S+", hook["entry"])
        assert (CHECKOUT / program).exists()
