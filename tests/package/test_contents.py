"""A package that would look for libraries on the machine that built it, or names that machine, is not made."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    """A module of the package's builder."""
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "systemd" / "package" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def elf() -> ModuleType:
    return load("elf")


def library(folder: Path, name: str, *paths: str) -> Path:
    """Linked by the C compiler with these search paths."""
    made = folder / name
    words = [f"-Wl,-rpath,{path}" for path in paths]
    subprocess.run(["gcc", "-shared", "-o", str(made), "-x", "c", "/dev/null", *words], check=True)
    return made


def test_a_search_path_outside_the_package_is_named(elf: ModuleType, tmp_path: Path) -> None:
    good = library(tmp_path, "good.so")
    own = library(tmp_path, "own.so", "$ORIGIN/../libs")
    bad = library(tmp_path, "bad.so", "$ORIGIN", "/home/ann/python/lib")
    found = list(elf.search_paths([good, own, bad]))
    assert found == [f"{bad}: searches libraries in $ORIGIN:/home/ann/python/lib"]
    assert list(elf.search_paths([])) == []


def test_a_file_that_names_the_building_machine_is_named(elf: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "clean").write_bytes(b"\0/usr/lib/python3\0")
    (tmp_path / "traced").write_bytes(b"\0/home/ann/gatewatch/.venv/lib\0")
    found = list(elf.traces([tmp_path / "clean", tmp_path / "traced"], ("/home/ann/gatewatch/.venv", "/srv/other")))
    assert found == [f"{tmp_path / 'traced'}: holds the path /home/ann/gatewatch/.venv"]


def test_another_python_than_debians_is_refused_in_a_line(tmp_path: Path) -> None:
    """The interpreter lies at another place than Debian's, as one that was built by hand does."""
    other = tmp_path / "python3"
    shutil.copy(Path(sys.executable).resolve(), other)
    known = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": sysconfig.get_path("purelib"), "PATH": os.environ["PATH"]}
    command = [str(other), str(CHECKOUT / "systemd/package/deb.py"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=known)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"runs {other}: build the package with Debian's Python" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_pages_of_the_package_are_whole(tmp_path: Path) -> None:
    """A page that includes another file has its text, and each picture that README shows is there."""
    load("pages").add_pages(CHECKOUT, tmp_path / "docs")
    pages = {path.name: path.read_text() for path in (tmp_path / "docs").rglob("*.md")}
    assert "--8<--" not in "".join(pages.values()).replace("<!-- --8<-- [start:results] -->", "")
    assert pages["runbook.md"] == (CHECKOUT / "grafana" / "runbook.md").read_text()
    assert "slack_configs" in pages["alerts.md"]
    assert (tmp_path / "docs" / "images" / "status-page.png").is_file()
    assert not list(tmp_path.rglob("*.py"))
