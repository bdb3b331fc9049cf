"""A histogram for Prometheus."""

from typing import final


@final
class Histogram:
    """Cumulative buckets as in Prometheus: `counts[i]` counts values up to `bounds[i]`, `count` counts all values."""

    __slots__ = ("bounds", "count", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.count = 0
        self.total = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        for index, bound in enumerate(self.bounds):
            if value <= bound:
                self.counts[index] += 1
