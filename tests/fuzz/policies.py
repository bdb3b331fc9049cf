"""Tries random pairs of policies for a gap, or a refusal of what both let pass, on the way from one to the other.

Every round begins at another place. A pair with a gap is shrunk and printed as hypothesis does, and becomes a test of
its own in `tests/policy/table/test_gaps.py`.
"""

import sys
import time
from random import Random

from gaps import Pair, find_gap, packets, pairs, shapes
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded

ROUND = 200
REPORT_SECONDS = 60.0


class Search:
    """Counts the pairs that had no gap."""

    def __init__(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.until = self.began + seconds
        self.tried = 0

    def run(self, seed: int) -> None:
        numbers = Random(seed)
        reported = self.began
        while time.monotonic() < self.until:
            self.round(numbers.getrandbits(64))
            if time.monotonic() - reported >= REPORT_SECONDS:
                reported = time.monotonic()
                print(self.words(), file=sys.stderr, flush=True)

    def round(self, seed: int) -> None:
        @seeded(seed)
        @settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(pairs(), shapes)
        def try_pair(pair: Pair, shape: tuple[list[bytes], str]) -> None:
            if time.monotonic() < self.until:
                gap = find_gap(pair, list(packets(*shape)))
                assert gap is None, gap
                self.tried += 1

        try_pair()

    def words(self) -> str:
        return f"policies: {self.tried} pairs without a gap in {time.monotonic() - self.began:.0f} s"


def main(seconds: float, seed: int) -> int:
    search = Search(seconds)
    try:
        search.run(seed)
    finally:
        print(f"{search.words()}, seed {seed}", flush=True)
    return 0
