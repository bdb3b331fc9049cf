"""`pause`: lifts all bans for a while."""

from argparse import Namespace

from monitor.cli.change import change
from monitor.cli.until import span_arguments


def run(arguments: Namespace) -> int:
    return change("pause", arguments, {**span_arguments(arguments), "reason": arguments.reason})
