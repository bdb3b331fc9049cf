"""The JSON schema for editors: it takes what the daemon takes, and refuses unknown keys and values of another kind."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from documents import all_blocks
from generate.example import EXAMPLE, values
from generate.schema import schema
from jsonschema import Draft7Validator

from monitor.config.parse import parse
from monitor.errors import ConfigError

TESTS = Path(__file__).resolve().parents[1]
SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)
HEAD = re.compile(rf"^\s*\[\[?({'|'.join(SCHEMA['properties'])})\]", re.MULTILINE)
KEYS = [
    (name, key) for name, section in SCHEMA["properties"].items() for key in section.get("items", section)["properties"]
]


def refusals(configuration: dict[str, Any]) -> list[str]:
    plain = json.loads(json.dumps(configuration, default=str))  # dates are strings to a validator
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in VALIDATOR.iter_errors(plain)]


def is_accepted(text: str) -> bool:
    try:
        parse(text, "/etc/gatewatch/gatewatch.toml")
    except ConfigError:
        return False
    return True


def written_in_tests() -> list[str]:
    """Every string of a test that is a configuration which the daemon takes."""
    found: dict[str, None] = {}
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and HEAD.search(node.value):
                found[node.value] = None
    return [text for text in found if is_accepted(text)]


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_example_is_valid_with_and_without_its_commented_keys() -> None:
    assert refusals(tomllib.loads(EXAMPLE.read_text())) == []
    assert refusals(values()) == []


def test_what_the_daemon_takes_in_other_tests_is_valid() -> None:
    texts = written_in_tests()
    assert len(texts) > 50
    assert {text: found for text in texts if (found := refusals(tomllib.loads(text)))} == {}


def test_configurations_in_documents_are_valid() -> None:
    blocks = [block for block in all_blocks() if block.language == "toml" and HEAD.search(block.text)]
    assert blocks
    assert {block.place: found for block in blocks if (found := refusals(tomllib.loads(block.text)))} == {}


@pytest.mark.parametrize("name", SCHEMA["properties"])
def test_an_unknown_key_is_refused_in_each_section(name: str) -> None:
    (refusal,) = refusals(with_key(name, "unheard_of", 1))
    assert "unheard_of" in refusal


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_value_of_another_kind_is_refused_by_both(name: str, key: str) -> None:
    changed = with_key(name, key, -1.5)
    assert refusals(changed), f"the schema takes -1.5 for {name}.{key}"
    with pytest.raises(ConfigError):
        parse(as_toml(changed, name), "/etc/gatewatch/gatewatch.toml")


@pytest.mark.parametrize(("name", "key"), [("group", "name"), ("ban", "vendors"), ("list", "name"), ("list", "url")])
def test_a_key_without_a_default_is_demanded(name: str, key: str) -> None:
    configuration = values()
    del configuration[name][0][key]
    assert refusals(configuration) == [f"{name}.0: '{key}' is a required property"]


@pytest.mark.parametrize(
    "body",
    [{}, {"device": "10.0.0.1"}, {"name": "a.example"}, {"device": "10.0.0.1", "group": "g", "name": "a.example"}],
)
def test_an_exception_is_for_one_and_about_one(body: dict[str, str]) -> None:
    assert refusals({"exception": [body]})
    assert refusals({"exception": [{"device": "10.0.0.1", "vendor": "bytedance"}]}) == []


def with_key(name: str, key: str, value: Any) -> dict[str, Any]:
    """The example's section `name` with one key set."""
    section = values()[name]
    if isinstance(section, list):
        return {name: [{**section[0], key: value}]}
    return {name: {**section, key: value}}


def as_toml(configuration: dict[str, Any], name: str) -> str:
    section = configuration[name]
    head, keys = (f"[[{name}]]", section[0]) if isinstance(section, list) else (f"[{name}]", section)
    return "\n".join([head, *(f"{key} = {json.dumps(value, default=str)}" for key, value in keys.items())])
