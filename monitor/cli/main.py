"""`gatewatch`: runs the chosen verb, and turns an error into one line and an exit code."""

import errno
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from types import ModuleType
from typing import Final

from monitor.cli.parser.parser import parse_arguments
from monitor.cli.stderr import complain
from monitor.errors import EXIT_FINDING, EXIT_OK, EXIT_USAGE, GatewatchError, MachineError

LAB: Final = "lab"
# Verbs whose module has another name.
MODULES: Final = dict.fromkeys(("ban", "unban", "allow", "pause", "resume"), "policy")
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of standard output; verbs handle their own files


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 ok, 1 a finding, 2 bad usage or configuration, or 3 a missing privilege or kernel feature."""
    parser, chosen = parse_arguments(arguments)
    if chosen.version:
        chosen.verb = "version"
    if chosen.verb is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if sys.stdout is None:  # closed by the parent process
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names that the terminal's encoding lacks
    try:
        code: int = module_of(chosen.verb).run(chosen)
        sys.stdout.flush()
    except GatewatchError as error:
        complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        leave_output()  # the reader has exited, as `head` does
        return EXIT_OK
    except OSError as error:
        if error.errno not in FULL:
            raise
        leave_output()
        complain(f"cannot write to standard output: {error.strerror}")
        return EXIT_FINDING
    except KeyboardInterrupt:
        return EXIT_FINDING
    return code


def leave_output() -> None:
    """Redirects standard output to /dev/null, so that Python does not retry the rest of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def module_of(verb: str) -> ModuleType:
    """Imports the verb's module. Raises MachineError if a package is missing, as those of `lab` in a Debian package."""
    try:
        return import_module(f"monitor.cli.verbs.{MODULES.get(verb, verb)}")
    except ModuleNotFoundError as error:
        what = f"`gatewatch {verb}` needs {error.name}, which is not installed here"
        how = "`make lab` in a checkout, or pip install 'gatewatch[lab]'" if verb == LAB else "install gatewatch again"
        raise MachineError(f"{what}: {how}") from error


if __name__ == "__main__":
    sys.exit(main())
