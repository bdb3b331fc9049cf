"""`lab`: runs real traffic in network namespaces."""

from argparse import Namespace

from monitor.errors import UsageError
from monitor.lab.scenario import DEFAULT_SECONDS
from monitor.lab.scenario import run as run_scenario


def run(arguments: Namespace) -> int:
    seconds = DEFAULT_SECONDS if arguments.seconds is None else arguments.seconds
    if not 0 < seconds < float("inf"):
        raise UsageError(f"--seconds must be more than 0, got {arguments.seconds:g}")
    return run_scenario(seconds)
