"""The shipped example holds every key with its default."""

import re
from dataclasses import fields
from pathlib import Path

from monitor.config.parse import load, parse
from monitor.config.sections import Config, ListSource
from monitor.policy.ban import Ban, Exemption
from monitor.policy.groups import Group

# What only tests and measurements set.
NO_KEYS = ("upstream_port", "limits")
# In the order of the documents; the types are the policy's own, with other fields.
KEYS = {
    "group": ("name", "members"),
    "ban": (
        "vendors", "groups", "mode", "layers", "schedule", "on_failure", "reason", "allow", "blind", "ech", "enabled",
        "protect",
    ),
    "exception": ("device", "group", "prefix", "name", "vendor", "until", "reason"),
    "list": tuple(field.name for field in fields(ListSource)),
}  # fmt: skip
EXAMPLE = Path(__file__).resolve().parents[2] / "systemd" / "gatewatch.toml"


def everything_on() -> str:
    """The example with its commented keys taken into use, except the alternatives behind `##`."""
    return re.sub(r"^#(?=[\[a-z])", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_is_the_defaults() -> None:
    assert load(str(EXAMPLE)) == Config()


def test_the_example_holds_every_key() -> None:
    text = everything_on()
    sections = {field.name: field.type for field in fields(Config)}
    for name in sections.keys() - {"groups", "bans", "exceptions", "lists", "path", "hash"}:
        body = text.split(f"\n[{name}]\n")[1].split("\n[")[0]
        keys = re.findall(r"^([a-z0-9_]+) = ", body, re.MULTILINE)
        known = [field.name for field in fields(getattr(Config(), name))]
        assert keys == [field for field in known if field not in NO_KEYS]


def test_the_repeated_sections_of_the_example_hold_every_key_with_its_default() -> None:
    config = parse(everything_on(), "gatewatch.toml")
    group, ban, exemption, source = config.groups[0], config.bans[0], config.exceptions[0], config.lists[0]
    assert group == Group(group.name, group.members)
    assert ban == Ban(ban.id, ban.subjects)
    assert source == ListSource(name=source.name, url=source.url)
    assert exemption == Exemption(device=exemption.device, name=exemption.name, until=exemption.until)
    text = EXAMPLE.read_text()
    for section, keys in KEYS.items():
        body = text.split(f"#[[{section}]]\n")[1].split("\n\n")[0]
        assert tuple(re.findall(r"^##?([a-z0-9_]+) = ", body, re.MULTILINE)) == keys
    assert group.members[1] == "10.20.0.0/16"
