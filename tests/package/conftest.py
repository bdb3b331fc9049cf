"""The package of what is under test, and a machine that it is installed on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import Machine

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.metrics.engine import engine

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of what is installed, or of this checkout where that is tested or where Debian's Python did not compile."""
    folder = tmp_path_factory.mktemp("deb")
    is_debians = os.path.realpath(sys.executable).startswith("/usr/bin/")
    source = [] if is_debians and engine() == "compiled" else ["--source", str(CHECKOUT)]
    command = [sys.executable, str(CHECKOUT / "systemd/package/deb.py"), str(folder), "--quick", *source]
    known = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=known)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def next_package(package: Path) -> Path:
    """The same as the next revision; beside the package lies the folder that it was made of."""
    control = package.parent / "root/DEBIAN/control"
    control.write_text(control.read_text().replace("-1\n", "-2\n", 1))
    made = package.with_name("next.deb")
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(package.parent / "root"), str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


@pytest.fixture(scope="session")
def machine(lab: Lab, package: Path) -> Iterator[Machine]:
    """With the package installed, on a gateway where conntrack does not count yet and a root daemon left a file."""
    lab.gateway.sysctl({"netfilter/nf_conntrack_acct": 0})
    running = Machine(lab)
    try:
        running.path("/var/lib/gatewatch").mkdir()
        running.path("/var/lib/gatewatch/pseudonyms").write_text("made by root\n")
        running.install(package)
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def watched(lab: Lab, machine: Machine) -> LabDaemon:
    """What the service says: its pages and metrics; it is systemd that starts and stops it."""
    return LabDaemon(lab.gateway, lab.folder / "watched", "", ())
