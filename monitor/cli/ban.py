"""`ban`: a vendor, from now on."""

from argparse import Namespace

from monitor.cli.change import change, vendors
from monitor.cli.until import span_arguments


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        **vendors(arguments.vendors),
        "group": arguments.group,
        **span_arguments(arguments),
        "shadow": arguments.shadow,
        "layers": [layer for layer in arguments.layers.split(",") if layer],
        "reason": arguments.reason,
    }
    return change("ban", arguments, request)
