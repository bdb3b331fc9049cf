"""One run: read the sources, merge, compare with the catalogue that is there, and write if it is asked to."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.index import Index
from monitor.catalog.vendor_file import read_vendor_file
from monitor.lists.shipped import public_suffixes
from monitor.policy.protected import PROTECTED
from pipeline.claims import Reading, read_source_files
from pipeline.coverage import Covered, measure
from pipeline.merge import Merge, gather, merge
from pipeline.provenance import HAND, PIPELINE, Seen, read_rows, write_rows
from pipeline.report import report
from pipeline.rules import Rules, registrable
from pipeline.sources import COPY, Source
from pipeline.writing import hand_made, with_pipeline, write_additions

# MISP's lists of banks and of certificate status: names of no vendor, though a vendor's devices ask for them.
INNOCENTS = ("bank-website", "crl-hostname")
DECISIONS = Path(__file__).parent / "decisions.toml"
INNOCENTS_FOLDER = "misp-warninglists/lists"


@dataclass(frozen=True)
class Outcome:
    """What a run gives: the report, the rows of provenance, and the merge that they come from."""

    text: str
    rows: dict[str, Seen]
    merge: Merge


def run(sources: list[Source], inputs: list[Path], folder: Path, table: Path, accepted: frozenset[str]) -> Outcome:
    """Merges the snapshots in `inputs` with the catalogue in `folder`, whose provenance is in `table`."""
    index, rules, readings = read_all(sources, inputs, folder)
    rows = read_rows(table.read_text()) if table.exists() else {}
    before = {name: row for name, row in rows.items() if row.owner == PIPELINE}
    result = merge(readings, index, rules, before, accepted)
    added = [one for one in result.additions if one.name not in before]
    then, now = measure(readings, shipped(folder), rules), measure(readings, with_additions(folder, result), rules)
    text = report(readings, result, added, then, now)
    return Outcome(text, provenance(readings, index, result, rows), result)


def read_all(sources: list[Source], inputs: list[Path], folder: Path) -> tuple[Index, Rules, list[Reading]]:
    """The catalogue without what the pipeline owns, the rules, and what each source gives."""
    suffixes, protected = public_suffixes(), frozenset(PROTECTED)
    index = hand_made(folder, suffixes)
    rules = Rules(index, suffixes, protected, innocents(inputs), never())
    return index, rules, [read_source_files(source, inputs, index, suffixes, protected) for source in sources]


def coverage(sources: list[Source], inputs: list[Path], folder: Path) -> dict[str, Covered]:
    """The coverage of the catalogue as it is."""
    _, rules, readings = read_all(sources, inputs, folder)
    return measure(readings, shipped(folder), rules)


def write(outcome: Outcome, folder: Path, table: Path) -> list[Path]:
    """Writes the vendor files and the provenance; gives the files that changed."""
    changed = write_additions(folder, outcome.merge.additions)
    text = write_rows(outcome.rows.values())
    if not table.exists() or table.read_text() != text:
        table.write_text(text)
        changed.append(table)
    return changed


def provenance(readings: list[Reading], index: Index, result: Merge, old: dict[str, Seen]) -> dict[str, Seen]:
    """The rows of every name that the catalogue has after the merge and that a source names, now or before."""
    claims: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for reading in readings:
        if reading.source.use == COPY and not reading.fault:
            for claim in reading.claims:
                claims.setdefault((claim.name, claim.vendor), set()).add((claim.source, reading.source.date))
    dates = {reading.source.name: reading.source.date for reading in readings}
    supported = {(name, vendor) for name, vendors in gather(readings, COPY).items() for vendor in vendors}
    rows: dict[str, Seen] = {}
    for entry in index.entries():
        seen = claims.get((entry.value, entry.vendor))
        if seen and entry.kind in ("suffix", "exact") and not entry.category:
            names = tuple(sorted({name for name, _ in seen}))
            rows[entry.value] = dated(Seen(entry.value, entry.vendor, entry.service, HAND, names, "", ""), dates, old)
    for one in result.additions:
        row = dated(Seen(one.name, one.vendor, one.service, PIPELINE, one.sources, "", ""), dates, old)
        lost = one.name in old and (one.name, one.vendor) not in supported
        rows[one.name] = old[one.name] if lost else row
    return rows


def dated(row: Seen, dates: dict[str, str], old: dict[str, Seen]) -> Seen:
    """The row with the dates of its sources, and the first date that was known before."""
    days = [dates[name] for name in row.sources if name in dates]
    known = old.get(row.name)
    first = min([*days, known.first]) if known is not None and known.first else min(days)
    return Seen(row.name, row.vendor, row.service, row.owner, row.sources, first, max(days))


def innocents(inputs: list[Path]) -> frozenset[bytes]:
    """The registrable names of the lists of innocents, of the first folder that has each."""
    names: set[bytes] = set()
    for list_name in INNOCENTS:
        paths = [folder / INNOCENTS_FOLDER / list_name / "list.json" for folder in inputs]
        path = next((path for path in paths if path.exists()), None)
        if path is not None:
            names.update(registrable(name.strip(".").lower()).encode() for name in json.loads(path.read_text())["list"])
    return frozenset(names - {b""})


def never() -> dict[str, str]:
    """The names that a person refused, with the reason."""
    table: dict[str, str] = tomllib.loads(DECISIONS.read_text())["never"]
    return table


def shipped(folder: Path) -> Index:
    builder = IndexBuilder()
    for path in [*sorted((folder / "vendors").glob("*.toml")), *sorted(folder.glob("*.toml"))]:
        read_vendor_file(path.read_text(), path.stem, public_suffixes(), builder)
    return Index.load(builder.build())


def with_additions(folder: Path, result: Merge) -> Index:
    """The index after the merge, without writing it."""
    builder = IndexBuilder()
    for path in [*sorted((folder / "vendors").glob("*.toml")), *sorted(folder.glob("*.toml"))]:
        additions = [one for one in result.additions if one.vendor == path.stem]
        read_vendor_file(with_pipeline(path.read_text(), additions), path.stem, public_suffixes(), builder)
    return Index.load(builder.build())
