"""Bad input to every verb that reads any: one clear line that says what and where, and the exit code of the design."""

import re
from pathlib import Path

import phone
import pytest
from privileges import as_nobody
from shell import gatewatch

from monitor.cli.client import starting_command
from monitor.cli.parser.parser import build_parser

pytestmark = pytest.mark.slow

BROKEN_CONFIGS = {
    "unknown key": (
        "[capture]\ninterfases = []\n", ":2: unknown key 'interfases' in [capture], the nearest is 'interfaces'"
    ),
    "wrong type": ("[events]\nkeep = 'all'\n", ":2: events.keep: expected an integer, got a string"),
    "not TOML": ("[capture\n", ":1: not TOML: expected ']' at the end of a table declaration, column 9"),
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "gatewatch.toml"


@pytest.mark.parametrize("verb", [["check"], ["run"], ["why", "a.example"], ["lists"], ["replay", "a.pcap"]])
def test_every_verb_says_what_is_wrong_with_the_configuration(config: Path, verb: list[str]) -> None:
    for text, line in BROKEN_CONFIGS.values():
        config.write_text(text)
        ran = gatewatch(*verb, "--config", config)
        assert (ran.code, ran.out, ran.complaints) == (2, "", [f"{config}{line}"])
    ran = gatewatch(*verb, "--config", "/absent.toml")
    assert (ran.code, ran.complaints) == (2, ["/absent.toml: cannot be read: No such file or directory"])


def test_all_mistakes_come_at_once(config: Path) -> None:
    config.write_text("[events]\nkeep = 'all'\n[geo]\nasm = ''\n")
    ran = gatewatch("check", "--config", config)
    assert ran.code == 2
    assert [line.split(":")[1] for line in ran.complaints] == ["2", "4"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        (bytes(range(128, 256)) + b"\n\x00\x01\n", "not a list: it contains bytes that do not occur in text"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_line(config: Path, content: bytes | None, complaint: str) -> None:
    path = config.parent / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    config.write_text('[[list]]\nname = "mine"\nurl = "mine.txt"\n')
    line = f"{path}: list mine: {complaint}"
    checked = gatewatch("check", "--config", config)
    assert (checked.code, checked.out.count("\n"), checked.err) == (2, 1, "")
    assert checked.out.startswith(line)
    line = checked.out.rstrip("\n")
    replayed = gatewatch("replay", phone.write(config.parent / "a.pcap"), "--config", config)
    assert (replayed.code, replayed.out, replayed.complaints) == (2, "", [line])
    asked = gatewatch("why", "www.tiktok.com", "--config", config)
    assert (asked.code, asked.complaints) == (0, [line])
    assert "bytedance" in asked.out
    listed = gatewatch("lists", "--config", config)
    assert listed.code == 1
    assert re.search(r"^mine ", listed.out, re.MULTILINE)


def test_lines_of_a_list_that_make_no_sense_are_findings(config: Path) -> None:
    (config.parent / "mine.txt").write_text("good.example\nbad line here\n")
    config.write_text('[[list]]\nname = "mine"\nurl = "mine.txt"\nformat = "domains"\n')
    ran = gatewatch("check", "--config", config)
    assert ran.code == 1
    (line,) = ran.out.splitlines()
    assert line.startswith(f"{config.parent}/mine.txt:2: ")
    assert line.endswith(": bad line here")


def test_what_a_good_configuration_cannot_know_is_found(config: Path) -> None:
    config.write_text(
        '[capture]\ninterfaces = ["absent0"]\n\n[[group]]\nname = "g"\nmembers = ["iface:absent1"]\n'
        '[[ban]]\nvendors = ["bytedanse"]\n'
    )
    ran = gatewatch("check", "--config", config)
    assert ran.code == 2
    assert gatewatch("check", "--lenient", "--config", config).code == 0
    assert ran.out.splitlines() == [
        f"{config}:2: capture.interfaces: there is no interface 'absent0' at present",
        f"{config}:6: group 1.members: there is no interface 'absent1' at present",
        f"{config}:8: ban 1.vendors: no list knows 'bytedanse', the nearest is 'bytedance'",
    ]


def test_what_is_said_well_and_does_nothing_is_found(config: Path) -> None:
    config.write_text(
        '[events]\npath = "absent/eve.json"\n[[group]]\nname = "g"\n[[ban]]\nvendors = ["bytedance"]\nlayers = []\n'
        '[[exception]]\ndevice = "10.0.0.1"\nname = "a.example"\nuntil = 2020-12-31\n'
    )
    config.chmod(0o666)
    ran = gatewatch("check", "--config", config)
    assert ran.code == 1
    assert [line.removeprefix(f"{config}:") for line in ran.out.splitlines()] == [
        f" every user can write this file and thereby change the bans: run `chmod o-w {config}`",
        f"2: events.path: the folder {config.parent}/absent does not exist, and `run` stops if it cannot write events",
        "3: group 1: 'g' has no members: rules for it apply to no device",
        "7: ban 1.layers: without any layer nothing is stopped",
        "11: exception 1.until: has passed: this exception no longer applies",
    ]


def test_a_good_configuration_is_ok(config: Path) -> None:
    config.write_text('[[group]]\nname = "g"\nmembers = ["10.0.0.0/8"]\n')
    ran = gatewatch("check", "--config", config)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(rf"{config}: ok, \d+ lists with [\d,]+ entries\n", ran.out)


@pytest.mark.parametrize("verb", [["check"], ["why", "192.0.2.1"], ["replay", "a.pcap"]])
def test_an_unreadable_mmdb_is_one_line(config: Path, verb: list[str]) -> None:
    (config.parent / "asn.mmdb").write_bytes(b"no database")
    for name, what in (
        ("asn.mmdb", "is not an MMDB file, or is damaged"),
        ("absent.mmdb", "cannot be read: No such file"),
    ):
        config.write_text(f'[geo]\nasn = "{name}"\n')
        ran = gatewatch(*verb, "--config", config)
        assert (ran.code, ran.out) == (2, "")
        (line,) = ran.complaints
        assert line.startswith(f"[geo] asn: {config.parent}/{name} {what}")


@pytest.mark.parametrize("verb", ["status", "devices", "top"])
def test_no_daemon_is_one_line(tmp_path: Path, verb: str) -> None:
    ran = gatewatch(verb, RUNTIME_DIRECTORY=str(tmp_path))
    assert ran.code == 1
    assert ran.complaints == [f"no daemon answers at {tmp_path}/control.sock; `gatewatch run` starts one"]


def test_a_missing_interface_is_3_and_names_those_that_are_there() -> None:
    ran = gatewatch("run", "-i", "absent0")
    assert ran.code == 3
    (line,) = ran.complaints
    assert line.startswith("interface absent0 does not exist; there are ")


@pytest.mark.parametrize("verb", [["run", "-i", "lo"], ["lab"]])
def test_a_missing_privilege_is_3(verb: list[str]) -> None:
    ran = gatewatch(*verb, prefix=as_nobody())
    assert ran.code == 3
    (line,) = ran.complaints
    assert re.search(r"run as root|need root", line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "usage: gatewatch"),
        (["replayy"], "invalid choice: 'replayy'"),
        (["replay"], "the following arguments are required: FILE"),
        (["why"], "the following arguments are required: NAME|ADDRESS"),
        (["top", "-n", "many"], "invalid int value: 'many'"),
    ],
)
def test_bad_usage_is_2(arguments: list[str], line: str) -> None:
    ran = gatewatch(*arguments)
    assert ran.code == 2
    assert line in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("verb", [["lists"], ["export", "hosts"], ["why", "tiktok.com"], ["--version"]])
def test_output_that_finds_no_room_is_one_line(verb: list[str]) -> None:
    """As on a full disk, into which nobody should believe to have written a whole file."""
    script = '"$@" >/dev/full'
    ran = gatewatch(*verb, prefix=("sh", "-c", script, "sh"))
    assert ran.code == 1
    assert ran.complaints[-1] == "cannot write to standard output: No space left on device"
    assert gatewatch(*verb, prefix=("sh", "-c", '"$@" >&-', "sh")).err.count("Traceback") == 0


def test_every_verb_has_help_and_says_what_it_does() -> None:
    text = gatewatch("--help").out
    verbs = build_parser()._subparsers
    assert verbs is not None
    choices = verbs._group_actions[0].choices
    assert isinstance(choices, dict)
    assert list(choices) == [
        "run", "replay", "lab", "check", "why", "status", "devices", "top", "report", "lists", "catalog",
        "doctor",        "ban", "unban", "allow", "pause", "resume", "plan", "export", "reload", "clear",
    ]  # fmt: skip
    for verb in choices:
        assert re.search(rf"^    {verb} ", text, re.MULTILINE), verb
        ran = gatewatch(verb, "--help")
        assert ran.code == 0
        assert ran.out.startswith(f"usage: gatewatch {verb}")


def test_the_version_tells_the_engine() -> None:
    assert re.fullmatch(r"gatewatch \S+ \((compiled|interpreted)\)\n", gatewatch("--version").out)


def test_the_service_is_started_by_systemd_where_it_is_installed(tmp_path: Path) -> None:
    runs, units = tmp_path / "runs", tmp_path / "units"
    units.mkdir()
    asked = (str(runs), (str(tmp_path / "absent"), str(units)))
    assert starting_command(*asked) == "gatewatch run"
    (units / "gatewatch.service").touch()
    assert starting_command(*asked) == "gatewatch run"  # systemd is not what runs here
    runs.mkdir()
    assert starting_command(*asked) == "systemctl start gatewatch"
    (units / "gatewatch.service").unlink()
    assert starting_command(*asked) == "gatewatch run"
