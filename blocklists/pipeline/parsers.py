"""Parsers: the files of a snapshot to parts, each an owner and lines in a format of `monitor.catalog.formats`."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.v2fly_tree import read_tree

SQL_ROW: Final = re.compile(r"INSERT INTO (trackers|tracker_domains) VALUES\((.*)\);")
SQL_VALUE: Final = re.compile(r"'((?:[^']|'')*)'|(NULL|-?\d+)")


@dataclass(frozen=True)
class Part:
    """Lines of one owner. `service` is a hint: the name of the file inside the source."""

    owner: str
    format: str
    lines: tuple[str, ...]
    service: str = ""


def read_v2fly(folder: Path, owners: list[str]) -> Iterator[Part]:
    """v2fly's data folder: the file of each owner with all that it includes."""
    for owner in owners:
        for name, lines in read_tree(folder, owner):
            yield Part(owner, "v2fly", tuple(lines), name)


def read_files(folder: Path, format: str) -> Iterator[Part]:
    """A folder of lists: the owner is the file's name without `.txt`, or the folder of a file `all`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("LICENSE", "LICENSE.md", "README.md"):
            owner = path.parent.name if path.parent != folder else path.name.removesuffix(".txt")
            yield Part(owner, format, tuple(path.read_text(errors="replace").splitlines()), path.stem)


def read_misp(folder: Path) -> Iterator[Part]:
    """MISP's warning lists (`NAME/list.json`): strings and host names. A leading dot means all names below."""
    for path in sorted(folder.glob("*/list.json")):
        table = json.loads(path.read_text())
        if table.get("type") in ("string", "hostname"):
            yield Part(path.parent.name, "domains", tuple(table["list"]))


def read_credentials(path: Path) -> Iterator[Part]:
    """Apple's `shared-credentials.json`: groups of domains with one owner, which is not named."""
    for number, group in enumerate(json.loads(path.read_text())):
        names = group.get("shared", [*group.get("from", []), *group.get("to", [])])
        yield Part(f"group {number}", "domains", tuple(names))


def read_trackers(path: Path) -> Iterator[Part]:
    """The SQL dump of WhoTracks.me: tables `trackers` (id, …, company) and `tracker_domains` (tracker, domain)."""
    companies: dict[str, str] = {}
    domains: list[tuple[str, str]] = []
    for row in SQL_ROW.finditer(path.read_text()):
        values = [text.replace("''", "'") for text, _ in SQL_VALUE.findall(row.group(2))]
        if row.group(1) == "trackers":
            companies[values[0]] = values[4]
        else:
            domains.append((values[0], values[1]))
    yield from by_owner((companies.get(tracker, ""), domain) for tracker, domain in domains)


def read_disconnect(path: Path) -> Iterator[Part]:
    """Disconnect's `entities.json`: entity to `properties` and `resources`."""
    for owner, names in sorted(json.loads(path.read_text())["entities"].items()):
        yield Part(owner, "domains", tuple(sorted({*names["properties"], *names["resources"]})))


def read_ghostery(folder: Path) -> Iterator[Part]:
    """Ghostery's trackerdb: `patterns/*.eno` with `organization:` and a block of domains."""
    pairs: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*.eno")):
        text = path.read_text()
        owner = re.search(r"^organization: (.+)$", text, re.MULTILINE)
        block = re.search(r"^--- domains\n(.*?)^--- domains", text, re.MULTILINE | re.DOTALL)
        if owner and block:
            pairs += [(owner.group(1).strip(), name.strip()) for name in block.group(1).splitlines() if name.strip()]
    yield from by_owner(iter(pairs))


def by_owner(pairs: Iterator[tuple[str, str]]) -> Iterator[Part]:
    owners: dict[str, list[str]] = {}
    for owner, name in pairs:
        owners.setdefault(owner, []).append(name)
    for owner in sorted(owners):
        yield Part(owner, "domains", tuple(owners[owner]))


def read_parts(parser: str, path: Path, owners: list[str]) -> Iterator[Part]:
    """The parts of a source. `owners` are those that the source's table maps, for a parser that must be asked."""
    if parser == "v2fly":
        return read_v2fly(path, owners)
    if parser in ("hosts", "domains"):
        return read_files(path, parser)
    return PARSERS[parser](path)


PARSERS: Final[dict[str, Callable[[Path], Iterator[Part]]]] = {
    "misp": read_misp,
    "credentials": read_credentials,
    "trackers": read_trackers,
    "disconnect": read_disconnect,
    "ghostery": read_ghostery,
}
