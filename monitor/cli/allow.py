"""`allow`: one device may reach one name or vendor for a while."""

from argparse import Namespace

from monitor.cli.change import change
from monitor.cli.until import span_arguments


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        "name": arguments.name,
        "device": arguments.device,
        **span_arguments(arguments),
        "reason": arguments.reason,
    }
    return change("allow", arguments, request)
