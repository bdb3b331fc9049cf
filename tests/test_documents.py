"""README tells what the code does: every verb, every metric, and no other; every path and target that it names."""

import re
from pathlib import Path

import documented
import pytest

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
