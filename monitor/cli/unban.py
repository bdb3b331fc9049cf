"""`unban`: lifts bans of a vendor, those of the configuration too."""

from argparse import Namespace

from monitor.cli.change import change, seconds


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        "vendor": arguments.vendor,
        "group": arguments.group,
        "for": seconds(arguments),
        "reason": arguments.reason,
    }
    return change("unban", arguments, request)
