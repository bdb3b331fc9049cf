"""`doctor`: whether this machine and its network let gatewatch do its work, and what to do where they do not."""

from argparse import Namespace

from monitor.cli.selftest import run_selftest


def run(arguments: Namespace) -> int:
    return run_selftest(arguments.json)
