"""`status`: how the daemon is."""

import json
import sys
import time
from argparse import Namespace

from monitor.cli.client import ask
from monitor.cli.rows import vendor_table
from monitor.cli.units import span_text
from monitor.errors import EXIT_FINDING, EXIT_OK


def run(arguments: Namespace) -> int:
    """1 if something is not well."""
    result = ask("status", {})
    health = result.get("health", {})
    if arguments.json:
        print(json.dumps(result))
    else:
        up = span_text(time.time() - result["started"])
        print(f"gatewatch {result['version']} ({result['engine']}), up {up}, configuration {result['config']}")
        for name, wrong in health.items():
            print(f"{name}: {wrong or 'ok'}")
        sys.stdout.write("\n" + vendor_table(result["rows"]))
    return EXIT_FINDING if any(health.values()) else EXIT_OK
