"""`unban`: lifts bans of a vendor, those of the configuration too."""

from argparse import Namespace

from monitor.cli.change import change, vendors
from monitor.cli.until import span_arguments


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        **vendors(arguments.vendors),
        "group": arguments.group,
        **span_arguments(arguments),
        "reason": arguments.reason,
    }
    return change("unban", arguments, request)
