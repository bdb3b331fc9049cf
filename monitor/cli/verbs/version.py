"""`--version`: prints version and engine in one line."""

from argparse import Namespace

from monitor.errors import EXIT_OK
from monitor.metrics.engine import engine, package_version


def run(arguments: Namespace) -> int:
    print(f"gatewatch {package_version()} ({engine()})")
    return EXIT_OK
