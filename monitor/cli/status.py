"""`status`: how the daemon is."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any, Final

from monitor.cli.client import ask
from monitor.cli.rows import vendor_table
from monitor.cli.table import Column, printable, table_text
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.units import bytes_text, span_text

WORDS_SHOWN: Final = 4
INTERFACE_COLUMNS: Final = (
    Column("INTERFACE"), Column("FRAMES", right=True), Column("BYTES", right=True), Column("DROPPED", right=True),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    """1 if a component is not well; with `--strict` also if a ban is ineffective."""
    result = ask("status", {})
    if arguments.json:
        print(json.dumps(result))
    else:
        sys.stdout.write("".join(sections(result)))
    degraded = any(result.get("degraded", {}).values())
    wrong = any(result["health"].values()) or (arguments.strict and degraded)
    return EXIT_FINDING if wrong else EXIT_OK


def sections(result: dict[str, Any]) -> Iterator[str]:
    """What runs, whether it is well, what it reads, and what it has seen so far."""
    up = span_text(result["now"] - result["started"])
    yield f"gatewatch {result['version']} ({result['engine']}), up {up}, configuration: {result['config']}\n"
    for name, wrong in {**result["health"], **result.get("degraded", {})}.items():
        yield f"{name}: {wrong or 'ok'}\n"
    full = [f"{table} {count:,}" for table, count in result["evictions"].items() if count]
    if full:
        yield f"given up because a table was full: {', '.join(full)}\n"
    yield from policy_lines(result["policy"], result["now"])
    cells = [
        [row["interface"], f"{row['frames']:,}", bytes_text(row["bytes"]), f"{row['dropped']:,}"]
        for row in result["interfaces"]
    ]
    yield "\n" + table_text(INTERFACE_COLUMNS, cells)
    if result["rows"]:
        yield "\n" + vendor_table(result["rows"])


def state_lines(ban: dict[str, Any]) -> Iterator[str]:
    """The state of a ban with its reason; a line for each subject and group where they differ."""
    if "state" not in ban:  # a daemon of an earlier version
        return
    pairs = [(pair["state"], pair["why"]) for pair in ban["pairs"]]
    if len(set(pairs)) == 1:
        yield f"  {ban['state']}{': ' if ban['why'] else ''}{printable(ban['why'])}\n"
        return
    for state, why in dict.fromkeys(pairs):
        where = [
            f"{pair['vendor']} for {pair['group']}"
            for pair in ban["pairs"]
            if (pair["state"], pair["why"]) == (state, why)
        ]
        yield f"  {state}: {some(where)}{': ' if why else ''}{printable(why)}\n"


def some(words: Sequence[str]) -> str:
    """The first of many."""
    more = f" and {len(words) - WORDS_SHOWN} more" if len(words) > WORDS_SHOWN else ""
    return ", ".join(words[:WORDS_SHOWN]) + more


def policy_lines(policy: dict[str, Any], now: float) -> Iterator[str]:
    """A line a ban, those that were made at run time marked so, and what else was changed at run time."""
    paused = policy["paused_until"]
    if paused < 0 or paused > now:
        yield "bans: all pause" + (f" for {span_text(paused - now)} more\n" if paused > 0 else " until `resume`\n")
    for ban in policy["bans"]:
        end = f" for {span_text(ban['until'] - now)} more" if ban["until"] else ""
        made = " at run time" if ban["source"] == "runtime" else ""
        asleep = "" if ban["active"] or paused < 0 or paused > now else ", asleep by its schedule"
        yield (
            f"ban{made}: {', '.join(ban['vendors'])} for {', '.join(ban['groups'])}: {ban['mode']}, "
            f"{', '.join(ban['layers'])}{end}{asleep}\n"
        )
        yield from state_lines(ban)
    for order in policy["orders"]:
        about = order.get("vendor") or order.get("name") or ""
        if order["verb"] in ("unban", "allow"):
            end = f" for {span_text(order['until'] - now)} more" if order.get("until") else ""
            yield f"{order['verb']} at run time: {about}{end}, by {order['user']}\n"
    if policy["orders_fault"]:
        yield f"{policy['orders_fault']}\n"
