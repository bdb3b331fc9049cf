"""`top`: shows the current flows, the largest first."""

import json
import shutil
import sys
import time
from argparse import Namespace
from typing import Any, Final

from monitor.cli.client import ask
from monitor.cli.columns import Column, table_text
from monitor.errors import EXIT_OK
from monitor.units import bytes_text, span_text

RENEWAL_SECONDS: Final = 1.0
HEAD_LINES: Final = 2
CLEAR: Final = "\x1b[H\x1b[2J"
COLUMNS: Final = (
    Column("DEVICE"), Column("VENDOR"), Column("SERVICE"), Column("NAME"), Column("TO"), Column("UPLOAD", right=True),
    Column("DOWNLOAD", right=True), Column("AGE", right=True), Column("EVIDENCE"),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    terminal = sys.stdout.isatty()
    if arguments.json or arguments.once or not terminal:
        _show(arguments, terminal)
        return EXIT_OK
    try:
        while True:
            _show(arguments, terminal)
            time.sleep(RENEWAL_SECONDS)
    except KeyboardInterrupt:
        print()
        return EXIT_OK


def _show(arguments: Namespace, terminal: bool) -> None:
    limit = arguments.lines or (shutil.get_terminal_size().lines - HEAD_LINES if terminal else 0)
    result = ask("top", {"limit": limit} if limit else {})
    if arguments.json:
        print(json.dumps(result))
        return
    text = flows_table(result["flows"], time.time())
    sys.stdout.write((CLEAR if terminal and not arguments.once else "") + text)
    sys.stdout.flush()


def flows_table(flows: list[dict[str, Any]], now: float) -> str:
    return table_text(COLUMNS, [_cells(flow, now) for flow in flows])


def _cells(flow: dict[str, Any], now: float) -> list[str]:
    server = f"[{flow['server']}]" if ":" in flow["server"] else flow["server"]
    return [
        flow["device"],
        flow["vendor"],
        flow["service"],
        flow["name"],
        f"{server}:{flow['server_port']}",
        bytes_text(flow["bytes_up"]),
        bytes_text(flow["bytes_down"]),
        span_text(now - flow["first"]),
        flow["evidence"],
    ]
