"""`allow`: one device may reach one name or vendor for a while."""

from argparse import Namespace

from monitor.cli.change import change, seconds


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        "name": arguments.name,
        "device": arguments.device,
        "for": seconds(arguments),
        "reason": arguments.reason,
    }
    return change("allow", arguments, request)
