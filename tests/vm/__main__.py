"""`PYTHONPATH=.:tests .venv/bin/python -P -m vm [--kernel WORDS] [--seconds N] CMD...`: a command on the emulated
machine, as root, in this folder, whose exit code is the command's. For example, the kernel's tests on Debian's kernel:
`... -m vm .venv/bin/python -P -m pytest -p vm.patience --timeout 900 tests/kernel`; `--kernel ipv6.disable=1` is a
machine without IPv6. Let nobody change the files meanwhile: the emulated machine sees that.
"""

import argparse
import sys

from vm.emulator import EmulatorError, run


def show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="vm", description="Runs a command on an emulated machine.")
    parser.add_argument("--kernel", default="", metavar="WORDS", help="more words for the kernel")
    parser.add_argument("--seconds", type=float, default=3600.0, help="when to give up")
    parser.add_argument("--console", action="store_true", help="show the console at the end")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    wanted = parser.parse_args()
    try:
        outcome = run(wanted.command, wanted.seconds, wanted.kernel, show)
    except (RuntimeError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"exit code {outcome.code} after {outcome.seconds:.1f} s", file=sys.stderr)
    if wanted.console:
        print(outcome.console, file=sys.stderr)
    return outcome.code


if __name__ == "__main__":
    sys.exit(main())
