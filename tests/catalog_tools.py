"""A few public suffixes and a one-line way to an index, for the tests of the catalogue."""

from collections.abc import Iterable

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner
from monitor.catalog.formats.reader import read_list
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes

RULES = """
// ===BEGIN ICANN DOMAINS===
com
net
org
example
uk
co.uk
jp
*.kawasaki.jp
!city.kawasaki.jp
google
中国
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
github.io
*.compute.example.com
// ===END PRIVATE DOMAINS===
"""
SUFFIXES = PublicSuffixes(RULES.splitlines())


def index_of(*names: tuple[str, str, bool, Owner]) -> Index:
    """An index of (kind, value, exact, owner): kind is `name`, `prefix` or `asn`, in the order of precedence."""
    builder = IndexBuilder(seed=7)
    for kind, value, exact, owner in names:
        sheet = Sheet(SUFFIXES, builder, builder.number_of(owner))
        if kind == "prefix":
            sheet.prefix(value)
        elif kind == "asn":
            sheet.asn(value)
        elif exact:
            sheet.exact(value)
        else:
            sheet.suffix(value)
        assert not sheet.ignored, sheet.complaints
    return Index.load(builder.build())


def read_text(lines: Iterable[str], format: str, max_entries: int = 1_000) -> tuple[Sheet, list[str], str]:
    """The sheet, the entries as `kind value`, and the format that the lines were read in."""
    builder = IndexBuilder(seed=7)
    sheet = Sheet(SUFFIXES, builder, builder.number_of(Owner("vendor", "service", "list")))
    found = read_list(iter(lines), format, sheet, SUFFIXES, max_entries)
    entries = [f"{entry.kind} {entry.value}" for entry in Index.load(builder.build()).entries()]
    return sheet, entries, found
