"""The locks in requirements/ pin, with hashes, all that pyproject.toml asks for, and installs use nothing else."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(?: ; (.+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def group(name: str) -> list[str]:
    """The requirements of a dependency group and of the groups that it includes (PEP 735)."""
    found: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


def wanted() -> dict[str, list[str]]:
    """What each lock is made of, by its name."""
    project = PROJECT["project"]
    groups = {name: group(name) for name in ("build", "docs", "lock", "package")}
    return {
        "run": project["dependencies"] + project["optional-dependencies"]["lab"],
        "test": group("dev"),
        **groups,
    }


def pins(lock: Path) -> dict[str, list[str]]:
    """Versions by package: several where markers choose among them."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return found


def test_every_set_of_requirements_has_a_lock() -> None:
    assert {lock.stem for lock in LOCKS} == set(wanted())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_line_is_a_pin_with_its_hashes(lock: Path) -> None:
    """A line that names an index, a URL or a file beside it would be another way in."""
    after_pin = False
    for line in lock.read_text().splitlines():
        if line.lstrip().startswith("#"):
            continue
        assert PIN.match(line) or HASH.match(line), line
        assert HASH.match(line) or not after_pin, f"a pin without a hash before: {line}"
        after_pin = PIN.match(line) is not None
    assert not after_pin
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_what_the_project_asks_for(lock: Path) -> None:
    locked = pins(lock)
    for text in wanted()[lock.stem]:
        requirement = Requirement(text)
        versions = locked.get(canonicalize_name(requirement.name))
        assert versions, f"{lock.name} has no {requirement.name}: run `make lock`"
        for version in versions:
            assert requirement.specifier.contains(version, prereleases=True), (
                f"{lock.name} has {requirement.name} {version}, not {requirement.specifier}: run `make lock`"
            )


def test_a_package_has_one_version_in_all_locks() -> None:
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for lock in LOCKS:
        for name, versions in pins(lock).items():
            found.setdefault(name, {})[tuple(versions)] = lock.name
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


def test_the_build_group_is_what_the_build_needs() -> None:
    assert set(group("build")) - set(PROJECT["build-system"]["requires"]) == {"pip>=24"}
    assert set(PROJECT["build-system"]["requires"]) <= set(group("build"))


@pytest.mark.parametrize("name", ["Makefile", ".ci/run", ".ci/debian13", ".ci/pytest", ".ci/lock"])
def test_every_install_is_from_a_lock(name: str) -> None:
    text = (CHECKOUT / name).read_text()
    installs = [line for line in text.splitlines() if re.search(r"pip install|\$\(PIP\)", line)]
    for line in installs:
        assert "PIP     :=" in line or "$(LOCKED)/" in line or "$(OWN)" in line, line
    assert "LOCKED  := --require-hashes --requirement requirements\n" in text or not installs
