"""What the machine lacks is one line that says what to do, with the exit code of the machine's fault."""

import os
import subprocess
from pathlib import Path

import pytest
from privileges import as_nobody

from monitor.errors import EXIT_MACHINE, MachineError
from monitor.lab.child import environment, python_module
from monitor.lab.requirements import PACKAGES, require

SHOW = "import sys; from monitor.lab.scenario import run; sys.exit(run(1))"


def test_root_is_needed_and_said() -> None:
    command = [*as_nobody(), *python_module("monitor")[:2], "-c", SHOW]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == EXIT_MACHINE
    assert done.stderr == "gatewatch: lab: network namespaces need root; run it with sudo\n"


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match=r"apt install iproute2 nftables tcpdump bind9-dnsutils .* openssl$"):
        require()


@pytest.mark.programs
@pytest.mark.parametrize("package", PACKAGES)
def test_missing_python_packages_are_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else object())
    with pytest.raises(MachineError, match=rf"{package}; install gatewatch\[lab\]$"):
        require()
