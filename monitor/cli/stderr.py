"""Errors and notes go to standard error, one line each, so that standard output contains only the result."""

import sys


def complain(text: str) -> None:
    """Prints every line of `text` with the program's name as prefix."""
    for line in text.splitlines():
        print(f"gatewatch: {line}", file=sys.stderr)
