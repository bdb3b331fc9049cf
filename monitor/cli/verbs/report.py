"""`report`: prints the journal's traffic by day, device and vendor."""

import csv
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from monitor.cli.columns import Column, table_text
from monitor.cli.load_config import read_config
from monitor.cli.report_words import read_wanted
from monitor.cli.rows import UNKNOWN, Row, largest
from monitor.cli.stderr import complain
from monitor.config.values import duration
from monitor.errors import EXIT_OK, UsageError
from monitor.journal.reader import Wanted, read_rows
from monitor.journal.tables import FILE_NAME
from monitor.units import bytes_text

NAMES_SHOWN: Final = 2
COLUMNS: Final = (
    Column("DEVICE"), Column("GROUP"), Column("VENDOR"), Column("SERVICE"), Column("UPLOAD", right=True),
    Column("DOWNLOAD", right=True), Column("FLOWS", right=True), Column("BLOCKED", right=True),
    Column("LEAKED", right=True), Column("EVIDENCE"), Column("NAMES"),
)  # fmt: skip
FIELDS: Final = (
    "day", "device", "hostname", "addresses", "group", "vendor", "service", "evidence", "bytes_up", "bytes_down",
    "flows", "blocked", "leaked", "first", "last", "names", "random_mac",
)  # fmt: skip
# Signs that start a formula in a spreadsheet.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def run(arguments: Namespace) -> int:
    since = first_day(arguments.since)
    config = read_config(arguments.config)
    path = os.path.join(config.state.path, FILE_NAME)
    wanted, notes = read_wanted(arguments, since, config, path)
    rows = read_rows(path, wanted)
    for note in notes:
        complain(note)
    if arguments.json:
        write_json(rows, wanted)
    elif arguments.csv:
        write_csv(rows)
    else:
        sys.stdout.write(report_table(rows, wanted))
    return EXIT_OK


def first_day(text: str) -> str:
    """Returns the local day of a date or of a time ago, in ISO format. Raises UsageError."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    try:
        return date.fromtimestamp(time.time() - duration(text)).isoformat()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"--since: expected a time such as 7d or a date such as 2026-12-31, got '{text}'") from None


def write_json(rows: Iterator[Row], wanted: Wanted) -> None:
    """Writes one object row by row, because a journal may be larger than the memory."""
    first = next(rows, None)
    sys.stdout.write(f'{{"since": {json.dumps(wanted.since)}, "zone": {json.dumps(time.strftime("%Z"))}, "rows": [')
    if first is not None:
        sys.stdout.write(json.dumps(first))
        for row in rows:
            sys.stdout.write(f",\n{json.dumps(row)}")
    sys.stdout.write("]}\n")


def write_csv(rows: Iterator[Row]) -> None:
    first = next(rows, None)
    out = csv.writer(sys.stdout)
    out.writerow(FIELDS)
    for row in [] if first is None else [first]:
        out.writerow([cell(row[name]) for name in FIELDS])
    for row in rows:
        out.writerow([cell(row[name]) for name in FIELDS])


def cell(value: Any) -> Any:
    """Joins lists to words; quotes a text that a spreadsheet would evaluate as a formula."""
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def report_table(rows: Iterable[Row], wanted: Wanted) -> str:
    """Returns one line per day, device and service: the newest day first, within a day most bytes first."""
    lines: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        lines.setdefault((row["day"], row["device"], row["group"], row["vendor"], row["service"]), []).append(row)
    if not lines:
        return f"no traffic since {wanted.since}; the daemon writes the journal once a minute\n"
    ordered = sorted(lines.values(), key=lambda line: (line[0]["vendor"] == UNKNOWN, -volume(line)))
    ordered.sort(key=lambda line: line[0]["day"], reverse=True)
    return table_text((Column(f"DAY ({time.strftime('%Z')})"), *COLUMNS), [cells(line) for line in ordered])


def volume(line: list[Row]) -> int:
    return sum(row["bytes_up"] + row["bytes_down"] + row["blocked"] for row in line)


def cells(line: list[Row]) -> list[str]:
    first = line[0]
    evidence = {row["evidence"]: row["bytes_up"] + row["bytes_down"] for row in line}
    names = list(dict.fromkeys(name for row in line for name in row["names"]))
    more = f" +{len(names) - NAMES_SHOWN}" if len(names) > NAMES_SHOWN else ""
    return [
        first["day"], (first["hostname"] or first["device"] or "-") + (" (random)" if first["random_mac"] else ""),
        first["group"], first["vendor"], first["service"],
        bytes_text(total(line, "bytes_up")), bytes_text(total(line, "bytes_down")), f"{total(line, 'flows'):,}",
        f"{total(line, 'blocked'):,}", bytes_text(total(line, "leaked")), " ".join(largest(evidence)),
        " ".join(names[:NAMES_SHOWN]) + more,
    ]  # fmt: skip


def total(line: list[Row], field: str) -> int:
    return sum(row[field] for row in line)
