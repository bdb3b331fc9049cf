"""`python -m fuzz [PART…] [--seconds N] [--seed N]`: searches for inputs that break a rule; `make fuzz` runs all parts.

A part is a module here with `main(seconds, seed)`, which prints one line about what it tried and gives its exit code.
Whatever a part finds becomes a named test.
"""

import argparse
import importlib
import secrets
import sys
from typing import Final

PARTS: Final = ("frames", "policies")


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.partition("\n\n")[0])
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seconds", type=float, default=3600.0, help="of all parts together; 3600 by default")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="to repeat a run; by chance")
    chosen = parser.parse_args()
    if unknown := set(chosen.part) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    parts = chosen.part or PARTS
    worst = 0
    for part in parts:
        worst = max(worst, importlib.import_module(f"fuzz.{part}").main(chosen.seconds / len(parts), chosen.seed))
        sys.stdout.flush()
    return worst


if __name__ == "__main__":
    sys.exit(main())
