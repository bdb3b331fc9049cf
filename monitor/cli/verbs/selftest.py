"""`doctor --enforcement`: runs the daemon's self-test, or tests this machine if no daemon enforces bans."""

import json
import sys
from typing import Any, Final

from monitor.cli.client import NoDaemon, ask
from monitor.cli.columns import Column, table_text
from monitor.errors import EXIT_FINDING, EXIT_OK
from monitor.selftest.dry_run import try_out

COLUMNS: Final = (
    Column("LAYER"), Column("WHAT"), Column("RESULT"), Column("TIME", right=True), Column("WHY"),
)  # fmt: skip
DAEMON: Final = "the bans that the daemon enforces"
MACHINE: Final = "what this machine can enforce: no daemon enforces bans at present"


def run_selftest(as_json: bool) -> int:
    """Returns 1 if a check fails. Raises MachineError if a privilege is missing."""
    checks = daemons_checks()
    tried = DAEMON if checks else MACHINE
    if not checks:
        checks = [vars(check) for check in try_out()]
    passed = not any(check["fault"] for check in checks)
    if as_json:
        print(json.dumps({"passed": passed, "tried": tried, "checks": checks}))
    else:
        print(f"tried: {tried}")
        sys.stdout.write(table_text(COLUMNS, [cells(check) for check in checks]))
    return EXIT_OK if passed else EXIT_FINDING


def daemons_checks() -> list[dict[str, Any]]:
    """Returns the daemon's checks; empty if no daemon runs or it enforces nothing."""
    try:
        checks: list[dict[str, Any]] = ask("selftest", {})["checks"]
    except NoDaemon:
        return []
    return checks


def cells(check: dict[str, Any]) -> list[str]:
    result = "fail" if check["fault"] else "pass"
    return [check["layer"], check["what"], result, f"{check['seconds'] * 1000:.1f} ms", check["fault"]]
