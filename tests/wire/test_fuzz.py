"""A short run of the mutation fuzzer; the long one is `make fuzz`."""

import pytest
from fuzz.mutation import INTERNAL, captured, mutated, run


@pytest.mark.corpus
def test_damaged_frames_of_every_capture_are_observations_or_counted_errors() -> None:
    outcome = run(20_000, seed=7)
    assert [(frame.link, frame.data.hex()) for frame in outcome.broken] == []
    assert INTERNAL not in outcome.errors.counts
    assert outcome.frames == 20_000
    assert outcome.observations > 10_000
    assert outcome.largest["fragments"] <= 128
    assert outcome.largest["streams"] <= 256


@pytest.mark.corpus
def test_a_seed_gives_the_same_frames_again() -> None:
    samples = captured()
    first = [frame.data for frame in mutated(samples, 200, seed=3)]
    assert first == [frame.data for frame in mutated(samples, 200, seed=3)]
    assert first != [frame.data for frame in mutated(samples, 200, seed=4)]
