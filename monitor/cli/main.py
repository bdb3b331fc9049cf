"""`gatewatch`: chooses the verb, and turns what went wrong into one line and an exit code."""

import os
import sys
from importlib import import_module

from monitor.cli.parser import parse_arguments
from monitor.cli.trouble import complain
from monitor.errors import EXIT_FINDING, EXIT_OK, EXIT_USAGE, GatewatchError


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 ok, 1 a finding, 2 bad usage or configuration, 3 a missing privilege or kernel feature."""
    parser, chosen = parse_arguments(arguments)
    if chosen.version:
        chosen.verb = "version"
    if chosen.verb is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    try:
        code: int = import_module(f"monitor.cli.{chosen.verb}").run(chosen)
        sys.stdout.flush()
    except GatewatchError as error:
        complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python must not try again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        return EXIT_FINDING
    return code


if __name__ == "__main__":
    sys.exit(main())
