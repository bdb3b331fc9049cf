"""A change of policy at run time: asked of the daemon, and what it says that it did."""

import json
from argparse import Namespace

from monitor.cli.client import ask
from monitor.cli.trouble import complain
from monitor.config.values import duration
from monitor.errors import EXIT_FINDING, EXIT_OK, UsageError


def change(verb: str, arguments: Namespace, request: dict[str, object]) -> int:
    """1 where the change holds but cannot be kept over a restart."""
    result = ask(verb, request)
    if arguments.json:
        print(json.dumps(result))
    else:
        first, *more = result["says"]
        print(first)
        for line in more:
            print(f"  {line}")
    if result["fault"]:
        complain(result["fault"])
        return EXIT_FINDING
    return EXIT_OK


def seconds(arguments: Namespace) -> float | None:
    """How long `--for` says, None where it is not given."""
    if arguments.span is None:
        return None
    try:
        return duration(arguments.span)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
