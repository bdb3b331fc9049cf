"""Damaged frames of the captures against the decoder, in rounds with a seed each, until the time is over."""

import resource
import time
from typing import Final

import corpus

from fuzz.mutation import captured, run
from monitor.wire import decoder

FRAMES_A_ROUND: Final = 50_000
SHOWN: Final = 5
# CPU time for one frame that no ordinary frame needs.
SLOW_SECONDS: Final = 2.0
SHOWN_DIGITS: Final = 400


def main(seconds: float, seed: int) -> int:
    """Prints what came out; 1 where a frame raised an error inside the decoder, 2 where there are no captures."""
    if not corpus.present():
        print("frames: the captures beside the checkout are absent")
        return 2
    captured()
    slowest, longest = "", 0.0
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    frames = observations = rounds = 0
    while rounds == 0 or time.monotonic() - began < seconds:
        outcome = run(FRAMES_A_ROUND, seed + rounds)
        rounds += 1
        frames += outcome.frames
        observations += outcome.observations
        if outcome.slowest is not None and outcome.seconds > longest:
            slowest, longest = outcome.slowest.data.hex(), outcome.seconds
        if longest > SLOW_SECONDS:
            print(
                f"frames: one took {longest:.1f} s in the round of seed {seed + rounds - 1}: {slowest[:SHOWN_DIGITS]}"
            )
            return 1
        if outcome.broken:
            print(f"frames: {len(outcome.broken)} raised an error in the round of seed {seed + rounds - 1}, the first:")
            for frame in outcome.broken[:SHOWN]:
                print(f"  link {frame.link} length {frame.length} {frame.data.hex()}")
            return 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine = "interpreted" if str(decoder.__file__).endswith(".py") else "compiled"
    print(
        f"frames: {frames:,} damaged frames from seed {seed} in {time.monotonic() - began:.0f} s ({engine}), "
        f"{observations:,} observations, no error; memory {peak // 1024} MB at most, {floor // 1024} MB before\n"
        f"frames: the slowest took {longest * 1000:.1f} ms: {slowest[:SHOWN_DIGITS]}"
    )
    return 0
