"""`ban`: a vendor, from now on."""

from argparse import Namespace

from monitor.cli.change import change, seconds


def run(arguments: Namespace) -> int:
    request: dict[str, object] = {
        "vendor": arguments.vendor,
        "group": arguments.group,
        "for": seconds(arguments),
        "shadow": arguments.shadow,
        "layers": [layer for layer in arguments.layers.split(",") if layer],
        "reason": arguments.reason,
    }
    return change("ban", arguments, request)
