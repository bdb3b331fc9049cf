"""Rule sets of sing-box: which rules give entries, which cannot, and on which line what is wrong stands."""

import json
from pathlib import Path
from typing import Any

import pytest
from catalog_tools import SUFFIXES, read_text

from monitor.catalog.sheet import Sheet
from monitor.lists.user import limited_lines

NAMES = ["suffix a.example", "exact b.example"]
RULE: dict[str, Any] = {"domain_suffix": ["a.example"], "domain": ["b.example"]}


def read(document: object, indent: int | None = 2, max_entries: int = 1_000) -> tuple[list[str], list[str]]:
    """The entries, and the complaints."""
    text = document if isinstance(document, str) else json.dumps(document, indent=indent)
    sheet, entries, found = read_text(text.splitlines(keepends=True), "auto", max_entries)
    assert found == "sing-box"
    return entries, [str(complaint) for complaint in sheet.complaints]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@pytest.mark.parametrize("indent", [None, 2])
def test_names_and_prefixes(version: int, indent: int | None) -> None:
    rule = {**RULE, "ip_cidr": ["5.188.10.0/24", "2605:340::/32", "5.188.11.9"]}
    prefixes = ["prefix 5.188.10.0/24", "prefix 2605:340::/32", "prefix 5.188.11.9/32"]
    assert read({"version": version, "rules": [rule]}, indent) == (NAMES + prefixes, [])


def test_a_lone_value_needs_no_array_and_a_dot_is_the_name_too() -> None:
    assert read({"version": 1, "rules": [{"domain_suffix": ".a.example", "domain": "b.example"}]}) == (NAMES, [])


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({**RULE, "port": [443]}, "a rule that applies to a part of its names: port"),
        ({**RULE, "process_name": ["x"]}, "a rule that applies to a part of its names: process_name"),
        ({**RULE, "invert": True}, "a rule that applies to a part of its names: invert"),
        (
            {"type": "logical", "mode": "and", "rules": [RULE, RULE]},
            "a logical rule that applies to a part of its names",
        ),
        (
            {"type": "logical", "mode": "or", "invert": True, "rules": [RULE]},
            "a logical rule that applies to a part of",
        ),
        ({"domain_keyword": ["tik"]}, "a keyword or an expression, not a whole name: tik"),
        ({"domain_regex": "^tik"}, "a keyword or an expression, not a whole name: ^tik"),
        ({"domain": [7]}, "domain must be text: 7"),
        ({"type": "logical", "mode": "or", "rules": 7}, "a logical rule without rules, or too deep"),
        (["a.example"], "a rule that is not an object: ['a.example']"),
        ({"domain": ["com"]}, "a public suffix, under which anybody can register names: com"),
    ],
)
def test_a_rule_that_would_ban_more_than_it_means_is_left_out(rule: object, why: str) -> None:
    entries, complaints = read({"version": 3, "rules": [rule, RULE]})
    assert entries == NAMES
    assert any(why in complaint for complaint in complaints), complaints


def test_rules_that_hold_each_by_itself_are_read() -> None:
    assert read({"version": 3, "rules": [{"type": "logical", "mode": "or", "rules": [RULE], "invert": False}]}) == (
        NAMES,
        [],
    )


def test_deeply_nested_rules_end() -> None:
    rule: dict[str, Any] = RULE
    for _ in range(40):
        rule = {"type": "logical", "mode": "or", "rules": [rule]}
    entries, complaints = read({"version": 3, "rules": [rule]})
    assert (entries, len(complaints)) == ([], 1)
    assert "too deep" in complaints[0]


def test_complaints_have_lines() -> None:
    text = '{\n "version": 3,\n "rules": [\n  {"domain": ["b.example",\n  "not a name",\n  "b.example",\n  "com"]}]}\n'
    assert [complaint.partition(":")[0] for complaint in read(text)[1]] == ["line 5", "line 7"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"rules": [\n{"domain": "a.example",}]}', "line 2: not JSON: "),
        ('{"rules": {}}', 'line 1: not a sing-box rule set: there is no array "rules"'),
        ('{"version": 9, "rules": []}', "line 1: a version that is not one of 1, 2, 3, 4: 9"),
        ("{", "line 1: not JSON: "),
        ('{"rules": [\n', "line 2: not JSON: "),
        (
            '{"rules": [{"domain": ["\\ud800.example"]}], "version": 1}',
            "line 1: a character that names cannot contain: U+D800: ?",
        ),
    ],
)
def test_another_document_is_a_complaint(text: str, why: str) -> None:
    entries, complaints = read(text)
    assert (entries, complaints[0].startswith(why)) == ([], True), complaints


def test_max_entries_stops_the_reading() -> None:
    rule = {"domain": [f"n{number}.example" for number in range(30)]}
    entries, complaints = read({"version": 1, "rules": [rule, rule]}, max_entries=10)
    assert (len(entries), complaints) == (10, ["line 15: more than max_entries (10): the rest is not read"])


def test_a_document_of_one_long_line_is_read_from_a_file(tmp_path: Path) -> None:
    names = [f"n{number}.bücher.example" for number in range(20_000)]
    path = tmp_path / "set.json"
    path.write_text("\ufeff\n" + json.dumps({"version": 2, "rules": [{"domain": names}]}, ensure_ascii=False))
    with path.open("rb") as file:
        text = "".join(limited_lines(file, 10_000_000, Sheet(SUFFIXES, None)))
    sheet, entries, found = read_text([text], "auto", max_entries=100_000)
    assert (found, len(entries), entries[-1], sheet.complaints) == (
        "sing-box", 20_000, "exact n19999.xn--bcher-kva.example", [],
    )  # fmt: skip
