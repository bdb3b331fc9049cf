"""`reload`: makes the daemon reload configuration and lists, all or nothing."""

from argparse import Namespace

from monitor.cli.client import ask
from monitor.errors import EXIT_OK
from monitor.lists.child import TIMEOUT_SECONDS


def run(arguments: Namespace) -> int:
    answer = ask("reload", {}, TIMEOUT_SECONDS)
    print(f"reloaded: {answer['config']}")
    return EXIT_OK
