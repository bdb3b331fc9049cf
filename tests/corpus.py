"""The real captures and their independent truth, where they lie beside the checkout.

Nothing of them is copied into the project. Tests that need them carry `pytest.mark.corpus` and are skipped only
where the folder is absent (`conftest.py`).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
CORPUS = SHARED / "corpus"
CATALOGUE = SHARED / "catalog"


@dataclass(frozen=True)
class Capture:
    """A row of `captures.tsv`; `truth(kind)` gives the rows of one truth table."""

    name: str
    path: Path
    row: dict[str, str]

    def truth(self, kind: str) -> list[dict[str, str]]:
        file = CORPUS / "truth" / f"{self.name}.{kind}.tsv"
        return read_rows(file) if file.exists() else []


def present() -> bool:
    return (CORPUS / "captures.tsv").exists()


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def captures() -> Iterator[Capture]:
    """Every capture, in the order of the index; none where the folder is absent."""
    if not present():
        return
    for row in read_rows(CORPUS / "captures.tsv"):
        path = CORPUS / row["local"]
        source, name = Path(row["local"]).parts[1], "_".join(Path(row["local"]).parts[2:])
        yield Capture(f"{source}__{name}", path, row)
