"""Each TOML block of a document is a configuration that gatewatch accepts, or a file of the catalogue; YAML is YAML."""

import tomllib

import pytest
import yaml
from documents import Block, all_blocks

from monitor.config.parse import parse
from monitor.errors import ConfigError

BLOCKS = all_blocks()
VENDOR_FILE = "kind"
INCLUDED = "--8<--"


def place(block: Block) -> str:
    return block.place


def with_groups(text: str) -> str:
    """The block with each group that it names and leaves to another block."""
    data = tomllib.loads(text)
    tables = [*data.get("ban", []), *data.get("exception", [])]
    named = {
        word.lstrip("!") for table in tables for word in (*table.get("groups", []), table.get("group", "")) if word
    }
    missing = named - {group["name"] for group in data.get("group", [])}
    return text + "".join(f'\n[[group]]\nname = "{name}"\nmembers = ["10.0.0.0/8"]\n' for name in sorted(missing))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=place)
def test_a_toml_block_is_a_configuration(block: Block) -> None:
    if VENDOR_FILE not in tomllib.loads(block.text):
        parse(with_groups(block.text), block.place)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in ("yaml", "yml")], ids=place)
def test_a_yaml_block_is_yaml(block: Block) -> None:
    if INCLUDED not in block.text:
        assert yaml.safe_load(block.text)


def test_an_unknown_key_is_found() -> None:
    with pytest.raises(ConfigError, match="modes"):
        parse(with_groups('[[ban]]\nvendors = ["bytedance"]\ngroups = ["a"]\nmodes = "enforce"\n'), "a.md:1")
