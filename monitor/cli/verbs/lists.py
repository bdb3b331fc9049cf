"""`lists`: shows every list with its entries, age and errors. `lists update` is in lists_update.py."""

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Final

from monitor.cli.columns import Column, table_text
from monitor.cli.load_config import read_config
from monitor.cli.parser.lists import UPDATE
from monitor.config.list_faults import fault_of
from monitor.config.settings import subscriptions, user_lists
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.lists.cache import load_cached
from monitor.lists.copies import read_record
from monitor.lists.loader import ListStatus
from monitor.lists.subscription import due_at
from monitor.units import count_text, span_text

COLUMNS: Final = (
    Column("LIST"), Column("ENTRIES", right=True), Column("SUFFIX", right=True), Column("EXACT", right=True),
    Column("PREFIX", right=True), Column("ASN", right=True), Column("IGNORED", right=True), Column("FORMAT"),
    Column("AGE", right=True), Column("DUE", right=True), Column("FROM"), Column("ERROR"),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    if arguments.action == UPDATE:
        # Imported here because the HTTP client takes a tenth of a second to import, and only `update` needs it.
        from monitor.cli.verbs.lists_update import run as update

        return update(arguments)
    return show(arguments)


def show(arguments: Namespace) -> int:
    """Returns 1 if a list cannot be used, or if the last update of a list failed."""
    config = read_config(arguments.config)
    statuses = load_cached(user_lists(config)).statuses
    now = time.time()
    due = {
        one.name: max(0.0, due_at(one, read_record(one.user.state, one.name), now) - now)
        for one in subscriptions(config)
    }
    if arguments.json:
        print(json.dumps({"lists": [_row(status, now, due) for status in statuses]}))
    else:
        sys.stdout.write(table_text(COLUMNS, [_cells(status, now, due) for status in statuses]))
        print(f"{count_text(len(statuses), 'list')}, {sum(status.entries for status in statuses):,} entries")
        print("suffix: a name and its subdomains; exact: a name alone; prefix: addresses; asn: a network")
    return EXIT_FINDING if any(_error(status) for status in statuses) else EXIT_OK


def _age(status: ListStatus, now: float, due: Mapping[str, float]) -> float | None:
    """Seconds since a subscription was last fetched or found unchanged; for other lists, since the file was written."""
    if not status.shipped and status.name in due:
        return max(0.0, now - status.updated_at) if status.updated_at else None
    try:
        return max(0.0, now - os.stat(status.origin).st_mtime)
    except OSError:
        return None


def _error(status: ListStatus) -> str:
    """Why the list cannot be used, and why its last update failed; `""` if neither is so."""
    fault = fault_of(status)
    if fault or not status.update_error:
        return "; ".join(filter(None, (fault, status.update_error)))
    return f"{count_text(status.failures, 'update')} failed: {status.update_error}"


def _row(status: ListStatus, now: float, due: Mapping[str, float]) -> dict[str, object]:
    return {
        "list": status.name,
        "format": status.format or None,
        "entries": status.entries,
        "suffixes": status.suffixes,
        "exacts": status.exacts,
        "prefixes": status.prefixes,
        "asns": status.asns,
        "ignored_lines": status.ignored,
        "age_seconds": _age(status, now, due),
        "due_seconds": None if status.shipped else due.get(status.name),
        "from": status.origin,
        "error": _error(status) or None,
        "failed_updates": status.failures,
        "complaints": [str(complaint) for complaint in status.complaints],
    }


def _cells(status: ListStatus, now: float, due: Mapping[str, float]) -> list[str]:
    age = _age(status, now, due)
    origin = "shipped" if status.shipped else status.origin
    next_time = "" if status.shipped or status.name not in due else span_text(due[status.name])
    when = "" if age is None else span_text(age)
    next_time = "now" if next_time == "0 s" else next_time
    counts = (status.entries, status.suffixes, status.exacts, status.prefixes, status.asns, status.ignored)
    numbers = [f"{count:,}" for count in counts]
    return [status.name, *numbers, status.format, when, next_time, origin, _error(status)]
