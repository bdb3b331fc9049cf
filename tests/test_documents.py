"""README and docs/ describe what the code does: verbs, metrics, paths, make targets, health, log lines."""

import re
import subprocess
import sys
from pathlib import Path

import documented
import pytest
import yaml
from generate.pages import FOLDER, PAGES, stale_pages

from monitor.errors import EXIT_FINDING, EXIT_MACHINE, EXIT_OK, EXIT_USAGE
from monitor.metrics.families import PREFIX

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text()


GUIDES = sorted(path for path in (CHECKOUT / "docs").rglob("*.md") if path.name not in PAGES)
TEXT = "".join(path.read_text() for path in (CHECKOUT / "README.md", *GUIDES))
# The number of lines that fit on two screens, with the output of `status`.
README_LINES = 140


def test_only_metrics_that_exist_are_named() -> None:
    assert set(re.findall(rf"`({PREFIX}[a-z_]+)", TEXT)) <= set(documented.metrics())


@pytest.mark.parametrize("verb", documented.commands())
def test_every_verb_is_shown(verb: str) -> None:
    assert f"gatewatch {verb}" in TEXT or f"make {verb}" in TEXT


def test_every_make_target_and_file_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for document in (README, (CHECKOUT / "CONTRIBUTING.md").read_text(), (CHECKOUT / "RELEASING.md").read_text(), TEXT):
        assert set(re.findall(r"^make ([a-z-]+)", document, re.MULTILINE)) <= targets
        assert set(re.findall(r"`make ([a-z-]+)", document)) <= targets
    for path in re.findall(r"\]\(([^)h#][^)#]*)(?:#[^)]*)?\)", README):
        assert (CHECKOUT / path).exists(), path


def test_every_file_of_the_repository_that_a_page_names_exists() -> None:
    named = set(re.findall(r"`((?:monitor|blocklists|systemd|grafana|tests|bench|docs)/[\w./-]*)`", TEXT))
    assert named
    assert [path for path in sorted(named) if not (CHECKOUT / path).exists()] == []


def test_the_outputs_that_pages_show_are_those_of_pictures() -> None:
    """`make pictures` writes them, each shown on a page."""
    source = (CHECKOUT / "bench" / "pictures.py").read_text()
    for path in (CHECKOUT / "docs" / "images").glob("*.txt"):
        assert f'"{path.stem}": (' in source, path
        assert path.read_text() in README or f'--8<-- "docs/images/{path.name}"' in TEXT, path


def test_readme_is_two_screens_with_the_picture_of_the_lab() -> None:
    assert len(README.splitlines()) <= README_LINES
    assert (CHECKOUT / "docs" / "images" / "status.txt").read_text() in README


def test_every_page_is_in_the_navigation() -> None:
    navigation = (CHECKOUT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    pages = {str(path.relative_to(CHECKOUT / "docs")) for path in (CHECKOUT / "docs").rglob("*.md")}
    assert set(re.findall(r"- (?:.*: )?(\S+\.md)$", navigation, re.MULTILINE)) == pages


def test_architecture_has_every_room_of_the_source() -> None:
    table = (CHECKOUT / "docs" / "architecture.md").read_text().partition("## Floors")[2].partition("\n## ")[0]
    rooms = {path.name.removesuffix(".py") for path in (CHECKOUT / "monitor").iterdir() if path.suffix in (".py", "")}
    assert set(re.findall(r"`([a-z]+)`", table)) >= rooms - {"__init__", "__pycache__"}


def test_troubleshooting_has_every_exit_code() -> None:
    page = (CHECKOUT / "docs" / "troubleshooting.md").read_text()
    for code in (EXIT_OK, EXIT_FINDING, EXIT_USAGE, EXIT_MACHINE):
        assert f"| {code} |" in page


def test_troubleshooting_quotes_the_log_as_the_code_writes_it() -> None:
    page = (CHECKOUT / "docs" / "troubleshooting.md").read_text()
    section = page.partition("## Lines of the log")[2].partition("\n## ")[0]
    source = "".join(path.read_text() for path in (CHECKOUT / "monitor").rglob("*.py"))
    quoted = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert quoted
    for line in quoted:
        for part in filter(None, (part.strip(" :()") for part in line.split("…"))):
            assert part in source, part


def test_the_generated_references_are_what_the_code_gives() -> None:
    """In a checkout without an environment: `PYTHONPATH=.:docs python3 -P -m generate`."""
    assert stale_pages() == [], f"pages in {FOLDER} are stale: run `make references`"


def test_every_target_of_make_that_people_use_is_in_its_help() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.MULTILINE)[1].replace("\\\n", " ").split())
    explained = set(re.findall(r"^([a-z0-9-]+):.*? ## .", text, re.MULTILINE))
    assert explained == phony - {"test-installed", "test-interpreted"}  # halves of `test`
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
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
