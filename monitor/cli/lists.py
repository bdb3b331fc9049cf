"""`lists`: every list with its entries, its age and what went wrong."""

import json
import os
import sys
import time
from argparse import Namespace
from typing import Final

from monitor.cli.configured import read_config
from monitor.cli.table import Column, table_text
from monitor.cli.units import count_text, span_text
from monitor.config.list_faults import fault_of
from monitor.config.settings import user_lists
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.lists.cache import load_cached
from monitor.lists.loader import ListStatus

COLUMNS: Final = (
    Column("LIST"), Column("ENTRIES", right=True), Column("IGNORED", right=True), Column("AGE", right=True),
    Column("FROM"), Column("ERROR"),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    statuses = load_cached(user_lists(read_config(arguments.config))).statuses
    now = time.time()
    if arguments.json:
        print(json.dumps({"lists": [_row(status, now) for status in statuses]}))
    else:
        sys.stdout.write(table_text(COLUMNS, [_cells(status, now) for status in statuses]))
        print(f"{count_text(len(statuses), 'list')}, {sum(status.entries for status in statuses):,} entries")
    return EXIT_FINDING if any(fault_of(status) for status in statuses) else EXIT_OK


def _age(status: ListStatus, now: float) -> float | None:
    """Seconds since the list's file was written, None where it cannot be read."""
    try:
        return max(0.0, now - os.stat(status.origin).st_mtime)
    except OSError:
        return None


def _row(status: ListStatus, now: float) -> dict[str, object]:
    return {
        "list": status.name,
        "entries": status.entries,
        "ignored_lines": status.ignored,
        "age_seconds": _age(status, now),
        "from": status.origin,
        "error": fault_of(status) or None,
        "complaints": [str(complaint) for complaint in status.complaints],
    }


def _cells(status: ListStatus, now: float) -> list[str]:
    age = _age(status, now)
    origin = "shipped" if status.shipped else status.origin
    when = "" if age is None else span_text(age)
    return [status.name, f"{status.entries:,}", f"{status.ignored:,}", when, origin, fault_of(status)]
