"""`doctor`: checks whether gatewatch can work on this machine and its network, and how to fix what prevents it."""

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from monitor.cli.columns import printable
from monitor.cli.load_config import read_config, watched_by_daemon
from monitor.cli.verbs.selftest import run_selftest
from monitor.doctor.case import look
from monitor.doctor.examination import LOOKS, examine
from monitor.doctor.finding import Finding
from monitor.errors import EXIT_FINDING, EXIT_MACHINE, EXIT_OK
from monitor.units import count_text


def run(arguments: Namespace) -> int:
    """Returns 3 if a privilege or a kernel feature is missing, 1 if something else is wrong."""
    if arguments.enforcement:
        return run_selftest(arguments.json)
    config = read_config(arguments.config)
    found = examine(config, watched_by_daemon(config.path))
    if arguments.json:
        print(json.dumps({"findings": [asdict(finding) for finding in found]}))
    else:
        for line in [*lines(found), *look(config).left_out]:
            print(line)
    if any(finding.missing for finding in found):
        return EXIT_MACHINE
    return EXIT_FINDING if found else EXIT_OK


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yields two lines per finding, and a summary."""
    for finding in found:
        yield printable(f"{finding.topic}: {finding.what}")
        yield printable(f"    {finding.mend}")
    looked = ", ".join(topic for topic, _ in LOOKS)
    yield f"{count_text(len(found), 'finding')}; checked: {looked}"
