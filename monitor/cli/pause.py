"""`pause`: lifts all bans for a while."""

from argparse import Namespace

from monitor.cli.change import change, seconds


def run(arguments: Namespace) -> int:
    return change("pause", arguments, {"for": seconds(arguments), "reason": arguments.reason})
