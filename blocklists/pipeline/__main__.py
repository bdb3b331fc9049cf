"""`python -P -m pipeline report|merge --inputs FOLDER`: prints the report; `merge` writes the catalogue as well."""

import argparse
import sys
from pathlib import Path

from pipeline.provenance import TABLE as PROVENANCE
from pipeline.run import run, write
from pipeline.sources import TABLE as SOURCES
from pipeline.sources import SourceError, read_sources


def main() -> int:
    """0: done; 1: the table of sources is wrong or no snapshot is at hand."""
    parser = argparse.ArgumentParser(prog="pipeline", description="Merge sources into the catalogue.")
    parser.add_argument("step", choices=("report", "merge"))
    parser.add_argument("--inputs", action="append", default=[], metavar="FOLDER", help="a folder of snapshots")
    parser.add_argument("--accept", action="append", default=[], metavar="VENDOR", help="lets a vendor grow at once")
    options = parser.parse_args()
    inputs = [Path(folder) for folder in options.inputs if Path(folder).is_dir()]
    if not inputs:
        print("no snapshot is at hand: name a folder with --inputs", file=sys.stderr)
        return 1
    try:
        sources = read_sources(SOURCES.read_text())
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    folder = SOURCES.parents[1]
    outcome = run(sources, inputs, folder, PROVENANCE, frozenset(options.accept))
    print(outcome.text)
    if options.step == "merge":
        for path in write(outcome, folder, PROVENANCE):
            print(f"written: {path.relative_to(folder)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
