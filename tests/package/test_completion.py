"""What the shells of an administrator complete, with the files that the package installs."""

import json
import shlex
import subprocess
from pathlib import Path

import documented
import pytest
from documents import make_place
from jsonschema import Draft7Validator

from monitor.config.parse import load

pytestmark = [pytest.mark.slow, pytest.mark.programs]

# The function that bash has for a command is called as bash calls it: with the words of the line and the place in them.
BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p gatewatch | sed 's/.* -F \([^ ]*\) .*/\1/')
"$function" gatewatch "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def root(package: Path) -> Path:
    """What was packed."""
    return package.parent / "root"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where `gatewatch` is what is under test."""
    return make_place(tmp_path_factory.mktemp("place"))


def completed(root: Path, environment: dict[str, str], *words: str) -> list[str]:
    """What bash offers for the last word of a line."""
    script = root / "usr/share/bash-completion/completions/gatewatch"
    command = ["bash", "--norc", "-c", BASH, "bash", str(script), "gatewatch", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=environment["HOME"], timeout=100
    )
    return sorted(done.stdout.split())


def test_bash_completes_every_verb_and_its_options(root: Path, environment: dict[str, str]) -> None:
    assert completed(root, environment, "") == sorted(documented.commands())
    assert completed(root, environment, "re") == ["reload", "replay", "report", "resume"]
    assert completed(root, environment, "lists", "u") == ["update"]
    for verb, arguments in documented.commands().items():
        options = {argument for argument in arguments if argument.startswith("--")}
        assert options <= set(completed(root, environment, verb, "--")), verb


def test_bash_completes_files_interfaces_and_vendors(root: Path, environment: dict[str, str]) -> None:
    Path(environment["HOME"], "capture.pcap").touch()
    assert completed(root, environment, "replay", "cap") == ["capture.pcap"]
    assert "lo" in completed(root, environment, "run", "--interface", "")
    assert completed(root, environment, "ban", "bytedance/tik") == ["bytedance/tiktok"]
    assert completed(root, environment, "ban", "bytedance/tiktok", "tencent/wechat-") == ["tencent/wechat-pay"]


def test_files_of_zsh_and_fish_are_for_this_command(root: Path) -> None:
    assert (root / "usr/share/zsh/vendor-completions/_gatewatch").read_text().startswith("#compdef gatewatch\n")
    fish = (root / "usr/share/fish/vendor_completions.d/gatewatch.fish").read_text()
    for verb in documented.commands():
        assert shlex.join(["-a", verb]) in fish


def test_the_schema_that_the_configuration_names_is_installed(root: Path) -> None:
    installed = root / "usr/share/gatewatch/gatewatch.toml"
    place = installed.read_text().splitlines()[0].removeprefix("#:schema /")
    Draft7Validator.check_schema(json.loads((root / place).read_text()))
    load(str(installed))
