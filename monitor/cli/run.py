"""`run`: the daemon."""

from argparse import Namespace

from monitor.cli.configured import read_config
from monitor.cli.garbage import ease_collector
from monitor.cli.places import CONFIG_PATH
from monitor.daemon.run import run as run_daemon


def run(arguments: Namespace) -> int:
    ease_collector()
    return run_daemon(read_config(arguments.config), tuple(arguments.interface), arguments.lenient, CONFIG_PATH)
