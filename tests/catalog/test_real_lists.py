"""Excerpts of public lists give the entries that another reader of the same format finds in them."""

import csv
import ipaddress
import json
import re
from collections.abc import Callable
from pathlib import Path

import adblock
import dns.zone
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner
from monitor.catalog.formats.reader import read_list
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import ICANN_SUFFIX
from monitor.lists.shipped import public_suffixes

FOLDER = Path(__file__).parent / "real"
APEX = "rpz.feed.example."
NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


def read(lines: list[str], format: str = "auto") -> tuple[str, set[str], Sheet]:
    """The format that was found, and the entries as `kind value`."""
    builder = IndexBuilder(seed=7)
    sheet = Sheet(public_suffixes(), builder, builder.number_of(Owner("vendor", "service", "list")))
    found = read_list(iter(lines), format, sheet, public_suffixes(), 100_000)
    return found, {f"{entry.kind} {entry.value}" for entry in Index.load(builder.build()).entries()}, sheet


def rows(name: str) -> list[str]:
    """The lines that are neither empty nor comments, without what follows a `#`."""
    lines = [line.partition("#")[0].strip() for line in text_of(name).splitlines()]
    return [line for line in lines if line and line[0] not in "!;"]


def prefix(text: str) -> str:
    return f"prefix {ipaddress.ip_network(text, strict=False)}"


def from_hosts(name: str) -> set[str]:
    return {f"exact {row.split()[1]}" for row in rows(name)}


def from_names(name: str) -> set[str]:
    return {f"suffix {row}" for row in rows(name)}


def from_quoted(name: str) -> set[str]:
    return {f"suffix {row.split(chr(34))[1]}" for row in rows(name)}


def from_dnsmasq(name: str) -> set[str]:
    return {f"suffix {row.split(chr(47))[1]}" for row in rows(name)}


def from_adblock(name: str) -> set[str]:
    """Of the names in the file those that an engine of browsers blocks, with what is below them."""
    filters = adblock.FilterSet()
    filters.add_filters(text_of(name).splitlines())
    engine = adblock.Engine(filters)

    def is_blocked(host: str) -> bool:
        return bool(engine.check_network_urls(f"https://{host}/", "https://elsewhere.example/", "document").matched)

    names = {found for row in rows(name) for found in NAME.findall(row)}
    return {f"suffix {found}" for found in names if is_blocked(found) and is_blocked(f"www.{found}")}


def from_zone(name: str) -> set[str]:
    """The triggers as dnspython reads the zone."""
    zone = dns.zone.from_text(text_of(name), origin=APEX, check_origin=False)
    found = set()
    for owner, ttl, data in zone.iterate_rdatas("CNAME"):
        del ttl
        trigger = owner.to_text()
        if "rpz-client-ip" in trigger or "rpz-passthru" in data.to_text():
            continue
        if trigger.endswith(".rpz-ip"):
            bits, *labels = trigger.removesuffix(".rpz-ip").split(".")
            found.add(prefix(f"{'.'.join(reversed(labels))}/{bits}"))
        else:
            found.add(f"suffix {trigger[2:]}" if trigger.startswith("*.") else f"exact {trigger}")
    return found


def from_v2fly(name: str) -> set[str]:
    words = [row.split()[0] for row in rows(name)]
    full = {f"exact {word.removeprefix('full:')}" for word in words if word.startswith("full:")}
    return full | {f"suffix {word.removeprefix('domain:')}" for word in words if ":" not in word}


def from_rules(rules: list[str]) -> set[str]:
    kinds = {"DOMAIN": "exact", "HOST": "exact", "DOMAIN-SUFFIX": "suffix", "HOST-SUFFIX": "suffix"}
    found = set()
    for kind, value in (rule.split(",")[:2] for rule in rules):
        if kind in kinds:
            found.add(f"{kinds[kind]} {value}")
        elif kind in ("IP-CIDR", "IP-CIDR6", "IP6-CIDR"):
            found.add(prefix(value))
    return found


def from_payload(name: str) -> set[str]:
    """The rule set as PyYAML reads it."""
    payload = yaml.safe_load(text_of(name))["payload"]
    return {f"suffix {item[2:]}" for item in payload if item[:2] == "+."} | from_rules([i for i in payload if "," in i])


def from_surge(name: str) -> set[str]:
    return from_rules(rows(name))


def from_singbox(name: str) -> set[str]:
    found = set()
    for rule in json.loads(text_of(name))["rules"]:
        if "port" not in rule:
            found |= {f"exact {value}" for value in rule.get("domain", [])}
            found |= {f"suffix {value.removeprefix('.')}" for value in rule.get("domain_suffix", [])}
            found |= {prefix(value) for value in rule.get("ip_cidr", [])}
    return found


def from_mixed(name: str) -> set[str]:
    return {prefix(row) if row.replace(".", "").isdigit() else f"suffix {row}" for row in rows(name)}


def from_prefixes(name: str) -> set[str]:
    return {prefix(row) for row in rows(name)}


def from_numbers(name: str) -> set[str]:
    return {f"asn AS{row[0]}" for row in csv.reader(text_of(name).splitlines()) if row[0].isdigit()}


# The format, its other reader, and what stands before a comment.
REAL: dict[str, tuple[str, Callable[[str], set[str]], str]] = {
    "hosts": ("hosts", from_hosts, "#"),
    "domains": ("domains", from_names, "#"),
    "adblock": ("adblock", from_adblock, "!"),
    "dnsmasq": ("dnsmasq", from_dnsmasq, "#"),
    "unbound": ("unbound", from_quoted, "#"),
    "bind": ("bind", from_quoted, "//"),
    "rpz": ("rpz", from_zone, ";"),
    "bind-response-zone": ("rpz", from_zone, ";"),
    "v2fly-bytedance": ("v2fly", from_v2fly, "#"),
    "v2fly-category-ads": ("v2fly", from_v2fly, "#"),
    "clash": ("clash", from_payload, "#"),
    "clash-classical": ("clash", from_payload, "#"),
    "surge": ("surge", from_surge, "#"),
    "quantumult-x": ("surge", from_surge, "#"),
    "sing-box": ("sing-box", from_singbox, ""),
    "names-and-addresses": ("domains", from_mixed, "#"),
    "cidr": ("cidr", from_prefixes, "#"),
    "asn": ("asn", from_numbers, "#"),
}


def is_public(entry: str) -> bool:
    kind, _, value = entry.partition(" ")
    return kind in ("suffix", "exact") and public_suffixes().part_of(value.encode()) == ICANN_SUFFIX


@pytest.mark.parametrize("name", REAL)
def test_an_excerpt_gives_what_its_format_promises(name: str) -> None:
    format, expect, _ = REAL[name]
    lines = text_of(name).splitlines()
    assert len(lines) >= 200
    found, entries, sheet = read(lines)
    expected = {entry for entry in expect(name) if not is_public(entry)}
    assert (found, entries) == (format, expected)
    assert len(entries) > 100
    assert sheet.ignored == sheet.left_out + sheet.refused
    assert not [complaint for complaint in sheet.complaints if complaint.line == 0]


@pytest.mark.parametrize("name", ["rpz", "bind-response-zone"])
def test_a_zone_is_the_same_with_relative_and_with_absolute_names(name: str) -> None:
    _, expected, _ = read(text_of(name).splitlines())
    zone = dns.zone.from_text(text_of(name), origin=APEX, check_origin=False)
    absolute = zone.to_text(relativize=False).splitlines()
    relative = zone.to_text(relativize=True).splitlines()
    for lines in (absolute, [f"$ORIGIN {APEX}", *relative], relative, ["$TTL 60", f"$ORIGIN {APEX}", *absolute]):
        assert read(lines)[:2] == ("rpz", expected)


def test_a_ranking_gives_no_entry_by_itself() -> None:
    found, entries, sheet = read(text_of("ranking").splitlines(keepends=True))
    assert (found, entries) == ("", set())
    assert 'format = "csv" takes the names' in str(sheet.complaints[0])
    ranked = {f"suffix {row.split(',')[1]}" for row in rows("ranking")}
    assert read(text_of("ranking").splitlines(), "csv")[1] == ranked


ENDS = st.sampled_from(["\n", "\r\n", " \n", " \t\r\n", ""])


@pytest.mark.parametrize("name", REAL)
@given(data=st.data())
@settings(max_examples=8)
def test_how_lines_end_and_comments_between_them_are_of_no_matter(name: str, data: st.DataObject) -> None:
    """Blanks and CR LF at the end of lines, a BOM, comments and empty lines between, and names in upper case."""
    format, _, mark = REAL[name]
    lines = text_of(name).splitlines()
    _, expected, _ = read(lines)
    noise = data.draw(st.dictionaries(st.integers(0, len(lines) - 1), st.sampled_from(["", "note"]), max_size=20))
    shout = data.draw(st.booleans())
    changed = []
    for at, line in enumerate(lines):
        if at in noise:
            changed.append(f"{mark} {noise[at]}" if mark and noise[at] else "")
        is_comment = bool(mark) and line.startswith(mark)
        changed.append(NAME.sub(lambda found: found.group().upper(), line) if shout and not is_comment else line)
    bom = data.draw(st.sampled_from(["", "\ufeff"]))
    changed[0] = bom + changed[0]
    ended = [line + end for line, end in zip(changed, data.draw(ends(len(changed))), strict=True)]
    assert read(ended)[:2] == (format, expected)


def ends(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(ENDS, min_size=3, max_size=3).map(lambda few: [few[at % 3] for at in range(count)])
