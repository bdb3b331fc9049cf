"""`provenance.tsv`: for each name of the catalogue that a source has, the sources and when they named it.

Columns: name, vendor, service, `hand` or `pipeline` (which of the two owns the entry), the sources separated by blanks,
the date of the source that named it first, of the one that named it last. The dates are those of the snapshots.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEAD: Final = "#name\tvendor\tservice\towner\tsources\tfirst\tlast"
HAND: Final = "hand"
PIPELINE: Final = "pipeline"
TABLE: Final = Path(__file__).parent / "provenance.tsv"


@dataclass(frozen=True)
class Seen:
    """A row. `first` and `last` are dates, `2026-08-19`."""

    name: str
    vendor: str
    service: str
    owner: str
    sources: tuple[str, ...]
    first: str
    last: str


def read_rows(text: str) -> dict[str, Seen]:
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[0]: Seen(row[0], row[1], row[2], row[3], tuple(row[4].split()), row[5], row[6]) for row in rows}


def write_rows(rows: Iterable[Seen]) -> str:
    """The table, sorted by name: equal rows give equal bytes."""
    lines = [
        "\t".join((row.name, row.vendor, row.service, row.owner, " ".join(row.sources), row.first, row.last))
        for row in sorted(rows, key=lambda row: row.name)
    ]
    return "\n".join([HEAD, *lines, ""])


def months_between(earlier: str, later: str) -> int:
    """Whole calendar months from one date to another."""
    if not earlier or not later:
        return 0
    return 12 * (int(later[:4]) - int(earlier[:4])) + int(later[5:7]) - int(earlier[5:7])
