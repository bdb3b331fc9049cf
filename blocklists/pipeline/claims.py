"""Claims: a source names an owner for a name. The readers of the daemon's own lists read the lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import EXACT, KINDS, LineFault, Owner
from monitor.catalog.formats.reader import read_list
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes
from pipeline.parsers import Part, read_parts
from pipeline.sources import Source


@dataclass(frozen=True, order=True)
class Claim:
    """`source` gives `name` to `vendor`. `exact`: the name alone. `service` is the name of the source's file."""

    name: str
    vendor: str
    source: str
    service: str = ""
    exact: bool = False


@dataclass(frozen=True)
class Reading:
    """What one source gave. `fault`: why the source is set aside, `""` where it counts."""

    source: Source
    claims: tuple[Claim, ...] = ()
    refused: tuple[LineFault, ...] = ()
    fault: str = ""


def read_source_files(
    source: Source, inputs: list[Path], index: Index, suffixes: PublicSuffixes, protected: frozenset[bytes]
) -> Reading:
    """The claims of a source in the first folder of `inputs` that holds it, sorted.

    A source that is absent, or that gives more than its `entries_max`, gives no claim and a fault.
    """
    path = next((folder / source.path for folder in inputs if (folder / source.path).exists()), None)
    if path is None:
        return Reading(source, fault="its snapshot is in no folder of inputs")
    slugs = frozenset(vendor.slug for vendor in index.vendors() if vendor.kind == "vendor")
    owners = sorted({*dict(source.owners), *(slugs if source.same else ())})
    claims: set[Claim] = set()
    refused: list[LineFault] = []
    for part in read_parts(source.parser, path, owners):
        found, complaints = read_part(part, source, suffixes, protected)
        vendor = anchor_of(found, index) if source.anchored else source.vendor_of(part.owner, slugs)
        if not vendor:
            continue
        refused += complaints
        claims.update(Claim(name, vendor, source.name, part.service, exact) for name, exact in found)
        if len(claims) > source.entries_max:
            return Reading(source, fault=f"more than {source.entries_max:,} names: set aside until a person looks")
    return Reading(source, tuple(sorted(claims)), tuple(refused))


def read_part(
    part: Part, source: Source, suffixes: PublicSuffixes, protected: frozenset[bytes]
) -> tuple[list[tuple[str, bool]], list[LineFault]]:
    """The names of a part, each with whether it stands alone, and the names that were refused."""
    builder = IndexBuilder()
    sheet = Sheet(suffixes, builder, builder.number_of(Owner(part.owner, list=source.name, user=True)), protected)
    sheet.hosting = True
    read_list(iter(part.lines), part.format, sheet, suffixes, source.entries_max + 1)
    entries = [entry for entry in Index.load(builder.build()).entries() if entry.kind in KINDS[: EXACT + 1]]
    refused = [complaint for complaint in sheet.complaints if "public suffix" in complaint.reason]
    return [(entry.value, entry.kind == KINDS[EXACT]) for entry in entries], refused


def anchor_of(names: Iterable[tuple[str, bool]], index: Index) -> str:
    """The one vendor that has names of a group without an owner, `""` where none or several have."""
    found = Counter(entry.vendor for name, _ in names if (entry := index.match_name(name.encode())) and not entry.weak)
    return next(iter(found)) if len(found) == 1 else ""
