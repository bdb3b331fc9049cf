"""`ban`, `unban`, `allow`, `pause` and `resume`: send changes of the policy to the running daemon."""

import json
from argparse import Namespace

from monitor.cli.client import ask
from monitor.cli.columns import printable
from monitor.cli.stderr import complain
from monitor.cli.until import span_arguments
from monitor.errors import EXIT_FINDING, EXIT_OK


def run(arguments: Namespace) -> int:
    """Returns 1 if the change is in force but was not written to the disk."""
    result = ask(arguments.verb, REQUESTS[arguments.verb](arguments))
    if arguments.json:
        print(json.dumps(result))
    else:
        for first, *more in result.get("answers", [result["says"]]):
            print(printable(first))
            for line in more:
                print(f"  {printable(line)}")
    for line in result.get("warnings", []):
        complain(printable(line))
    if result["fault"]:
        complain(result["fault"])
        return EXIT_FINDING
    return EXIT_OK


def ban_request(arguments: Namespace) -> dict[str, object]:
    return {
        **vendors(arguments.vendors),
        "group": arguments.group,
        **span_arguments(arguments),
        "shadow": arguments.shadow,
        "layers": [layer for layer in arguments.layers.split(",") if layer],
        "reason": arguments.reason,
    }


def unban_request(arguments: Namespace) -> dict[str, object]:
    return {
        **vendors(arguments.vendors),
        "group": arguments.group,
        **span_arguments(arguments),
        "reason": arguments.reason,
    }


def allow_request(arguments: Namespace) -> dict[str, object]:
    return {
        "name": arguments.name,
        "device": arguments.device,
        **span_arguments(arguments),
        "reason": arguments.reason,
    }


def pause_request(arguments: Namespace) -> dict[str, object]:
    return {**span_arguments(arguments), "reason": arguments.reason}


def resume_request(arguments: Namespace) -> dict[str, object]:
    return {"all": arguments.all, "reason": arguments.reason}


def vendors(words: list[str]) -> dict[str, object]:
    """Returns one word as `vendor`, several as `vendors`."""
    return {"vendor": words[0]} if len(words) == 1 else {"vendors": words}


REQUESTS = {
    "ban": ban_request,
    "unban": unban_request,
    "allow": allow_request,
    "pause": pause_request,
    "resume": resume_request,
}
