"""The version is the same everywhere, and changelog fragments become the section of a release."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from monitor.metrics.engine import engine, package_version

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]
KINDS = [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]]


def headings() -> list[str]:
    """The versions of the changelog, newest first."""
    return re.findall(r"^## (\S+) \(\d{4}-\d\d-\d\d\)$", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_newest_section_of_the_changelog_is_the_version() -> None:
    assert headings()[0] == VERSION
    assert len(headings()) == len(set(headings()))


def test_documents_name_packages_that_there_are() -> None:
    """Of this version, and to roll back to, of the one before."""
    named: set[str] = set()
    for path in (CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")):
        named |= set(re.findall(r"gatewatch_([0-9.]+)-\d+_", path.read_text()))
    assert VERSION in named <= set(headings()[:2])


def test_what_is_installed_is_of_this_version() -> None:
    """A checkout that runs interpreted has no version of its own: there it is that of the environment."""
    assert engine() == "interpreted" or package_version() == VERSION


def test_every_fragment_has_a_kind_and_a_text() -> None:
    for fragment in (CHECKOUT / "changelog.d").iterdir():
        if fragment.name != "README.md":
            assert re.fullmatch(rf"\+[a-z0-9-]+\.({'|'.join(KINDS)})\.md", fragment.name)
            assert fragment.read_text().strip()


def test_fragments_become_the_newest_section_and_go(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "+shown.added.md").write_text("`status` shows the weather.\n")
    (folder / "+mended.fixed.md").write_text("`status` no longer rains.\n")
    shutil.copy(CHECKOUT / "changelog.d/README.md", folder)
    command = [sys.executable, "-P", "-m", "towncrier", "build", "--yes", "--version", "9.9.9", "--date", "2030-01-02"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after = (CHECKOUT / "CHANGELOG.md").read_text(), (tmp_path / "CHANGELOG.md").read_text()
    section = (
        "\n## 9.9.9 (2030-01-02)\n\n### Added\n\n- `status` shows the weather.\n\n"
        "### Fixed\n\n- `status` no longer rains.\n\n"
    )
    assert section in after
    assert after.replace(section, "") == before
    assert [path.name for path in folder.iterdir()] == ["README.md"]
