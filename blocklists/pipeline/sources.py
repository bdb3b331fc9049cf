"""The table of sources: `sources.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

COPY: Final = "copy"
MEASURE: Final = "measure"
# The licences whose data may be copied into the catalogue.
COPY_LICENCES: Final = ("CC-BY-4.0", "CC0-1.0", "MIT", "Unlicense")
TABLE: Final = Path(__file__).parent / "sources.toml"


class SourceError(Exception):
    """The table of sources is wrong: one line that names the source and the fault."""


@dataclass(frozen=True)
class Source:
    """One source. `path` is relative to the folder of snapshots.

    `family` joins sources that copy from each other: a family counts once. `weight` is 1 for a list that people
    maintain and 0.5 for harvested names. `authoritative`: the vendor publishes the list itself. `anchored`: the source
    names no owners, only groups, and a group belongs to the vendor of its names that the catalogue knows. `owners`
    maps the source's owner to a vendor's slug, or to `""` for an owner that is left out; `same` maps an owner that is
    a slug to that vendor. `entries_max` is the number of entries above which the source is set aside.
    """

    name: str
    family: str
    address: str
    revision: str
    date: str
    licence: str
    use: str
    parser: str
    path: str
    weight: float
    entries_max: int
    authoritative: bool = False
    anchored: bool = False
    same: bool = False
    owners: tuple[tuple[str, str], ...] = ()

    def vendor_of(self, owner: str, slugs: frozenset[str]) -> str:
        """The slug of the vendor that an owner of this source is, `""` where the catalogue has none."""
        mapped = dict(self.owners)
        if owner in mapped:
            return mapped[owner]
        return owner if self.same and owner in slugs else ""


def read_sources(text: str) -> list[Source]:
    """The sources in the order of the table. Raises SourceError."""
    try:
        rows = tomllib.loads(text).get("source", [])
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"sources.toml is not TOML: {error}") from error
    sources = [read_source(row) for row in rows]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise SourceError(f"sources.toml: two sources have the name {name}")
    return sources


def read_source(row: dict[str, Any]) -> Source:
    name = row.get("name", "a source without a name")
    try:
        source = Source(**{**row, "date": str(row["date"]), "owners": tuple(sorted(row.get("owners", {}).items()))})
    except (KeyError, TypeError) as error:
        raise SourceError(f"sources.toml: {name}: a key is missing or unknown: {error}") from error
    if source.use not in (COPY, MEASURE):
        raise SourceError(f'sources.toml: {name}: use must be "{COPY}" or "{MEASURE}", not "{source.use}"')
    if source.use == COPY and source.licence not in COPY_LICENCES:
        raise SourceError(f'sources.toml: {name}: the licence {source.licence} permits no copy: use = "{MEASURE}"')
    return source
