"""A change of policy at run time: asked of the daemon, and what it says that it did."""

import json
from argparse import Namespace

from monitor.cli.client import ask
from monitor.cli.table import printable
from monitor.cli.trouble import complain
from monitor.errors import EXIT_FINDING, EXIT_OK


def change(verb: str, arguments: Namespace, request: dict[str, object]) -> int:
    """1 where the change holds but cannot be kept over a restart."""
    result = ask(verb, request)
    if arguments.json:
        print(json.dumps(result))
    else:
        for first, *more in result.get("answers", [result["says"]]):
            print(printable(first))
            for line in more:
                print(f"  {printable(line)}")
    for line in result.get("warnings", []):
        complain(printable(line))
    if result["fault"]:
        complain(result["fault"])
        return EXIT_FINDING
    return EXIT_OK


def vendors(words: list[str]) -> dict[str, object]:
    """One word as `vendor`, several as `vendors`."""
    return {"vendor": words[0]} if len(words) == 1 else {"vendors": words}
