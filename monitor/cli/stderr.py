"""How trouble is told: a line each on standard error, so that standard output stays what was asked for."""

import sys


def complain(text: str) -> None:
    """Every line of `text`, with the program's name."""
    for line in text.splitlines():
        print(f"gatewatch: {line}", file=sys.stderr)
