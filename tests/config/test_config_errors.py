"""Every mistake in a configuration gives one line with its place, and all mistakes come at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config.faults import ConfigErrors
from monitor.config.parse import load, parse
from monitor.errors import EXIT_USAGE, ConfigError

VECTORS = Path(__file__).parent / "vectors" / "mistakes.txt"


def mistakes() -> Iterator[tuple[str, str, str]]:
    """Name, text and expected line of every block: `--- name`, the configuration, `=> line`."""
    for block in VECTORS.read_text().split("--- ")[1:]:
        name, _, body = block.partition("\n")
        text, line = body.rsplit("=> ", 1)
        yield name, text, line.rstrip("\n")


@pytest.mark.parametrize(("name", "text", "line"), list(mistakes()))
def test_a_mistake_gives_one_line(name: str, text: str, line: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse(text, "c.toml")
    assert str(caught.value) == line
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[capture\n", "c.toml:1: not TOML: expected ']' at the end of a table declaration, column 9"),
        ("a = \n", "c.toml:1: not TOML: invalid value, column 5"),
        ("a = 1\na = 2\n", "c.toml:2: not TOML: cannot overwrite a value, column 6"),
        ("a = [1,\n", "c.toml:2: not TOML: invalid value, end of document"),
    ],
)
def test_what_is_not_toml_has_its_line(text: str, line: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse(text, "c.toml")
    assert str(caught.value) == line


def test_all_mistakes_come_at_once_in_the_order_of_their_lines() -> None:
    text = "[limits]\nflows = 'many'\n\n[capture]\nflow = 'x'\nlocal = ['x', '10.0.0.0/8', 'y']\n"
    with pytest.raises(ConfigErrors) as caught:
        parse(text, "c.toml")
    assert [complaint.line for complaint in caught.value.complaints] == [2, 5, 6, 6]


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file or directory"):
        load(str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(str(tmp_path))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 5"):
        load(str(latin))


def test_a_mark_before_the_text_is_no_mistake(tmp_path: Path) -> None:
    """As some editors write UTF-8."""
    marked = tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf[sinkhole]\r\nttl = 5\r\n")
    assert load(str(marked)).sinkhole.ttl == 5
