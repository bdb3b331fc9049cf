"""`resume`: puts bans in force again."""

from argparse import Namespace

from monitor.cli.change import change


def run(arguments: Namespace) -> int:
    return change("resume", arguments, {"all": arguments.all, "reason": arguments.reason})
