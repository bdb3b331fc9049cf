"""`catalog`: the vendors, services and categories that bans and reports may name, with their names and sizes."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Final

from monitor.catalog.coverage import NO_COVERAGE
from monitor.catalog.entry import CATEGORY, CATEGORY_MARK, Vendor
from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.catalog.words import fold
from monitor.cli.columns import Column, table_text
from monitor.cli.load_config import read_config
from monitor.cli.stderr import complain
from monitor.config.list_faults import list_faults, missing_subscriptions
from monitor.config.settings import user_lists
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.lists.cache import load_cached
from monitor.units import count_text

COLUMNS: Final = (
    Column("SUBJECT"), Column("NAME"), Column("NAMES", right=True), Column("PREFIXES", right=True),
    Column("SHARED", right=True), Column("AS", right=True), Column("ALSO CALLED"), Column("WITH"),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    """Returns 1 if nothing in the catalogue matches the word."""
    loaded = load_cached(user_lists(read_config(arguments.config)))
    for line in [*list_faults(loaded.statuses), *missing_subscriptions(loaded.statuses)]:
        complain(line)
    subjects = SubjectIndex(loaded.index)
    rows = list(catalog_rows(loaded.index))
    word = arguments.word or ""
    if word:
        rows = matching(rows, word, subjects)
    if arguments.json:
        print(json.dumps({"catalog": rows}))
    elif rows:
        sys.stdout.write(table_text(COLUMNS, [cells(row) for row in rows]))
        print(count_text(len(rows), "entry", "entries") + " of the catalogue")
    if rows:
        return EXIT_OK
    complain(subjects.resolve(word).fault())
    return EXIT_FINDING


def catalog_rows(index: Index) -> Iterator[dict[str, Any]]:
    """Yields a row for each vendor, service and category. The services of a category are not subjects and have no
    rows; their names are listed as parts of the category.
    """
    for vendor in sorted(index.vendors(), key=lambda vendor: (vendor.kind, vendor.slug)):
        mark = CATEGORY_MARK if vendor.kind == CATEGORY else ""
        yield catalog_row(index, vendor, mark + vendor.slug, vendor.name, "")
        for slug, name in () if mark else vendor.services:
            yield catalog_row(index, vendor, f"{vendor.slug}/{slug}", name, slug)


def catalog_row(index: Index, vendor: Vendor, subject: str, name: str, service: str) -> dict[str, Any]:
    held = index.coverage.get(subject, NO_COVERAGE)
    own = [alias for alias in vendor.aliases if alias.service == service]
    parts = [alias.text for alias in own if alias.part]
    if vendor.kind == CATEGORY:
        parts += [service_name for _, service_name in vendor.services if service_name != name]
        parts += [alias.text for alias in vendor.aliases if alias.service]
    return {
        "subject": subject,
        "kind": "service" if service else vendor.kind,
        "name": name,
        "aliases": [alias.text for alias in own if not alias.part],
        "parts": parts,
        "names": held.names,
        "prefixes": held.prefixes,
        "shared_prefixes": held.shared,
        "asns": held.asns,
    }


def matching(rows: list[dict[str, Any]], word: str, subjects: SubjectIndex) -> list[dict[str, Any]]:
    """Returns the rows that the word may mean or whose names contain it. Includes all services of such vendors."""
    meaning = subjects.resolve(word)
    meant = {meaning.subject, *meaning.candidates, *meaning.others}
    folded = fold(word)
    found = {row["subject"] for row in rows if row["subject"] in meant or has_word(row, folded)}
    return [row for row in rows if row["subject"] in found or row["subject"].partition("/")[0] in found]


def has_word(row: dict[str, Any], folded: str) -> bool:
    return bool(folded) and any(folded in fold(text) for text in texts(row))


def texts(row: dict[str, Any]) -> list[str]:
    """Returns the texts in which a word is searched: slug, name, aliases and parts. The slug of `vendor/service` is
    `service`.
    """
    slug = row["subject"].removeprefix(CATEGORY_MARK).rpartition("/")[2]
    return [slug, row["name"], *row["aliases"], *row["parts"]]


def cells(row: dict[str, Any]) -> list[str]:
    counts = [f"{row[key]:,}" if row[key] else "" for key in ("names", "prefixes", "shared_prefixes", "asns")]
    return [row["subject"], row["name"], *counts, ", ".join(row["aliases"]), ", ".join(row["parts"])]
