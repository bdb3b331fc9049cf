"""`python -m fuzz [FRAMES] [SEED]`: decode so many damaged frames; says what came out, exits 1 if anything raised."""

import resource
import sys
import time

import corpus

from fuzz.mutation import captured, run
from monitor.wire import decoder


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if not corpus.present():
        print("the captures beside the checkout are absent")
        return 2
    captured()
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    outcome = run(count, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"engine       {'interpreted' if str(decoder.__file__).endswith('.py') else 'compiled'}")
    print(f"frames       {outcome.frames} from seed {seed}, {time.monotonic() - begin:.0f} s with the mutation")
    print(f"observations {outcome.observations}")
    print(f"memory       {peak // 1024} MB at most, {floor // 1024} MB with the captures alone")
    print(f"tables       {outcome.largest}")
    print(f"errors       {sum(outcome.errors.counts.values())} of {len(outcome.errors.counts)} kinds")
    print(f"raised       {len(outcome.broken)}")
    for frame in outcome.broken[:5]:
        print(f"  link {frame.link} length {frame.length} {frame.data.hex()}")
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
