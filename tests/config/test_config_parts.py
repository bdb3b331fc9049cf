"""`conf.d/*.toml` beside the configuration: what joins, what two files may not both set, and which file is named."""

from pathlib import Path

import pytest

from monitor.cli.main import main
from monitor.config.faults import ConfigErrors
from monitor.config.files import is_there
from monitor.config.parse import load, parse
from monitor.errors import EXIT_OK, EXIT_USAGE, ConfigError

MAIN = '[capture]\ninterfaces = ["br-lan"]\n[[group]]\nname = "first"\nmembers = ["10.0.0.1"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "gatewatch.toml").write_text(MAIN)
    return tmp_path


def write(folder: Path, **parts: str) -> str:
    """`a = text` goes to conf.d/a.toml; the path of the configuration."""
    for name, text in parts.items():
        (folder / "conf.d" / f"{name}.toml").write_text(text)
    return str(folder / "gatewatch.toml")


def faults(path: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    return [str(complaint).removeprefix(f"{Path(path).parent}/") for complaint in caught.value.complaints]


def group(name: str) -> str:
    return f'[[group]]\nname = "{name}"\nmembers = ["10.0.1.1"]\n'


def test_files_are_read_in_the_order_of_their_names_behind_the_first(folder: Path) -> None:
    (folder / "conf.d" / "00-no.toml.dpkg-old").write_text("not read")
    (folder / "conf.d" / ".hidden.toml").write_text("not read")
    path = write(folder, b=group("third"), a=group("second") + "[capture]\nflows = 'packets'\n", c="# nothing\n")
    config = load(path)
    assert [one.name for one in config.groups] == ["first", "second", "third"]
    assert (config.capture.interfaces, config.capture.flows) == (("br-lan",), "packets")
    assert config.path == path


def test_a_key_that_two_files_set_is_a_mistake_that_names_both(folder: Path) -> None:
    path = write(
        folder, a='\n[capture]\ninterfaces = ["eth1"]\n', b="capture = 5\n[sinkhole]\nttl = 5\n", c="group = 1"
    )
    main = folder / "gatewatch.toml"
    assert faults(path) == [
        f"conf.d/a.toml:3: capture.interfaces: is set in {main}:2 already: remove one of the two",
        f"conf.d/b.toml:1: capture: is set in {main}:1 already: remove one of the two",
        f"conf.d/c.toml:1: group: is set in {main}:3 already: remove one of the two",
    ]


def test_a_mistake_has_the_file_and_line_where_it_stands(folder: Path) -> None:
    path = write(
        folder,
        a=group("second") + '\n[[group]]\nname = "x"\nmember = []\n',
        b='[sinkhole]\nttl = "ten"\n[captur]\n[capture]\nflow = "x"\n',
        c="[limits\n",
    )
    assert faults(path) == ["conf.d/c.toml:1: not TOML: expected ']' at the end of a table declaration, column 8"]
    write(folder, c="")
    assert faults(path) == [
        "conf.d/a.toml:7: unknown key 'member' in [group 2], the nearest is 'members'",
        "conf.d/b.toml:2: sinkhole.ttl: expected an integer, got a string",
        "conf.d/b.toml:3: unknown key 'captur' at the top, the nearest is 'capture'",
        "conf.d/b.toml:5: unknown key 'flow' in [capture], the nearest is 'flows'",
    ]


def test_each_file_that_cannot_be_read_is_a_line(folder: Path) -> None:
    path = write(folder)
    (folder / "conf.d" / "a.toml").write_bytes(b"# caf\xe9\n")
    (folder / "conf.d" / "b.toml").mkdir()
    (folder / "conf.d" / "c.toml").symlink_to("nowhere")
    assert faults(path) == [
        "conf.d/a.toml: is not UTF-8 at byte 5: save it in UTF-8",
        "conf.d/b.toml: cannot be read: Is a directory",
        "conf.d/c.toml: cannot be read: No such file or directory",
    ]


def test_the_hash_is_that_of_all_files_and_of_one_file_as_before(folder: Path) -> None:
    path = write(folder)
    alone = load(path).hash
    assert alone == parse(MAIN, "anywhere").hash
    write(folder, a=group("second"))
    first = load(path).hash
    write(folder, a=group("third"))
    assert len({alone, first, load(path).hash}) == 3


def test_the_first_file_may_be_missing_where_others_are(folder: Path) -> None:
    (folder / "gatewatch.toml").unlink()
    path = str(folder / "gatewatch.toml")
    assert not is_there(path)
    with pytest.raises(ConfigError, match=r"gatewatch\.toml: cannot be read: No such file or directory"):
        load(path)
    write(folder, a=group("second"))
    assert is_there(path)
    assert [one.name for one in load(path).groups] == ["second"]


def test_relative_paths_are_relative_to_the_first_files_folder(folder: Path) -> None:
    path = write(folder, a='[[list]]\nname = "mine"\nurl = "mine.txt"\nvendor = "mine"\nformat = "domains"\n')
    assert load(path).lists[0].url == str(folder / "mine.txt")


def test_check_names_the_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, a="# nothing\n", b="[capture]\nlocal = ['10.0.0.0/8']\n")
    (folder / "gatewatch.toml").write_text("# nothing\n")
    assert main(["check", "--config", path]) == EXIT_OK
    assert f"{path} and 2 files of conf.d: ok, " in capsys.readouterr().out
    write(folder, a='[[ban]]\nvendors = ["bytedanc"]\n')
    (folder / "conf.d" / "b.toml").chmod(0o666)
    assert main(["check", "--config", path]) == EXIT_USAGE
    out = capsys.readouterr().out
    assert f"{folder}/conf.d/a.toml:2: ban 1.vendors: " in out
    assert f"{folder}/conf.d/b.toml: every user can write this file" in out
