"""`gatewatch`: chooses the verb, and turns what went wrong into one line and an exit code."""

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
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # where our output goes: verbs catch their own


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 ok, 1 a finding, 2 bad usage or configuration, 3 a missing privilege or kernel feature."""
    parser, chosen = parse_arguments(arguments)
    if chosen.version:
        chosen.verb = "version"
    if chosen.verb is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names in scripts that the terminal's encoding has not
    try:
        code: int = module_of(chosen.verb).run(chosen)
        sys.stdout.flush()
    except GatewatchError as error:
        complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        leave_output()  # whoever read it has gone, as `head` does
        return EXIT_OK
    except OSError as error:
        if error.errno not in FULL:
            raise
        leave_output()
        complain(f"what there is to say cannot be written: {error.strerror}")
        return EXIT_FINDING
    except KeyboardInterrupt:
        return EXIT_FINDING
    return code


def leave_output() -> None:
    """Python must not try again to write what is left when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def module_of(verb: str) -> ModuleType:
    """Raises MachineError where this installation leaves out what the verb needs, as the Debian package does."""
    try:
        return import_module(f"monitor.cli.verbs.{MODULES.get(verb, verb)}")
    except ModuleNotFoundError as error:
        what = f"`gatewatch {verb}` needs {error.name}, which is not installed here"
        how = "`make lab` in a checkout, or pip install 'gatewatch[lab]'" if verb == LAB else "install gatewatch anew"
        raise MachineError(f"{what}: {how}") from error


if __name__ == "__main__":
    sys.exit(main())
