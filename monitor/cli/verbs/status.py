"""`status`: shows the daemon's status."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Final

from monitor.cli.client import ask
from monitor.cli.columns import Column, table_text
from monitor.cli.rows import vendor_table
from monitor.cli.status_bans import policy_lines
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.units import bytes_text, span_text

INTERFACE_COLUMNS: Final = (
    Column("INTERFACE"), Column("FRAMES", right=True), Column("BYTES", right=True), Column("DROPPED", right=True),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    """Returns 1 if a component is unhealthy; with `--strict` also if a ban is ineffective."""
    result = ask("status", {})
    if arguments.json:
        print(json.dumps(result))
    else:
        sys.stdout.write("".join(sections(result)))
    degraded = any(result.get("degraded", {}).values())
    wrong = any(result["health"].values()) or (arguments.strict and degraded)
    return EXIT_FINDING if wrong else EXIT_OK


def sections(result: dict[str, Any]) -> Iterator[str]:
    """Yields version, health, policy, interfaces and traffic, as text."""
    up = span_text(result["now"] - result["started"])
    yield f"gatewatch {result['version']} ({result['engine']}), up {up}, configuration: {result['config']}\n"
    for name, wrong in {**result["health"], **result.get("degraded", {})}.items():
        yield f"{name}: {wrong or 'ok'}\n"
    for note in result.get("notes", []):
        yield f"note: {note}\n"
    full = [f"{table} {count:,}" for table, count in result["evictions"].items() if count]
    if full:
        yield f"evicted because a table was full: {', '.join(full)}\n"
    yield from policy_lines(result["policy"], result["now"])
    cells = [
        [row["interface"], f"{row['frames']:,}", bytes_text(row["bytes"]), f"{row['dropped']:,}"]
        for row in result["interfaces"]
    ]
    yield "\n" + table_text(INTERFACE_COLUMNS, cells)
    if result["rows"]:
        yield "\n" + vendor_table(result["rows"])
