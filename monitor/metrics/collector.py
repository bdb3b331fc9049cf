"""Collects samples from all sources on each scrape and renders the page in slices.

A source is a callable that returns samples by family name. Samples of several sources for one family are joined, and
values for one series are added: for example the core counts cut flows and the kernel counts refused packets. A family
has no more series than the limit; the remaining series are summed as `other`. All samples are collected at once, so a
page shows one moment; the text is rendered in slices so that the event loop can run between them.
"""

from asyncio import sleep
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from monitor.histogram import Histogram
from monitor.limits import Limits
from monitor.metrics.exposition import Series, family_text, histogram_text
from monitor.metrics.families import BY_NAME, FAMILIES, HISTOGRAM, Family
from monitor.metrics.process import process_text
from monitor.model import Samples

OTHER: Final = "other"
SERIES: Final = Limits().series

SampleSource: TypeAlias = Callable[[], Samples]
HistogramSource: TypeAlias = Callable[[], dict[str, Histogram]]


class Collector:
    """Renders the samples of all sources as one page of text."""

    def __init__(
        self,
        samples: list[SampleSource],
        histograms: list[HistogramSource],
        process: bool = True,
        limit: Callable[[], int] = lambda: SERIES,
    ) -> None:
        self._limit = limit
        self._samples = samples
        self._histograms = histograms
        self._process = process

    def slices(self) -> Iterator[str]:
        """Yields the page in the order of the family table, in short slices. The first `next` collects all samples."""
        series = self._series()
        histograms = {name: value for source in self._histograms for name, value in source().items()}
        _known(series.keys() | histograms.keys())
        for family in FAMILIES:
            if family.type == HISTOGRAM and family.name in histograms:
                yield histogram_text(family, histograms[family.name])
            else:
                yield from family_text(family, series.get(family.name, ()))
        if self._process:
            yield process_text()

    def text(self) -> str:
        """Returns the whole page, rendered in one call."""
        return "".join(self.slices())

    async def render(self) -> bytes:
        """Returns the whole page; the event loop runs between slices."""
        parts = []
        for part in self.slices():
            parts.append(part.encode())
            await sleep(0)
        return b"".join(parts)

    def numbers(self) -> Samples:
        """Returns the current samples of all sources, by family."""
        joined: Samples = {}
        for source in self._samples:
            for name, values in source().items():
                add(joined.setdefault(name, {}), values)
        limit = self._limit()
        return {name: fold(values, limit) for name, values in joined.items()}

    def _series(self) -> dict[str, Series]:
        return {name: list(values.items()) for name, values in self.numbers().items()}


def add(totals: dict[tuple[str, ...], float], values: dict[tuple[str, ...], float]) -> None:
    for labels, value in values.items():
        totals[labels] = totals.get(labels, 0.0) + value


def fold(values: dict[tuple[str, ...], float], limit: int) -> dict[tuple[str, ...], float]:
    """Returns at most `limit` series: the first ones, and one `other` series with the sum of the rest."""
    if len(values) <= limit:
        return values
    labels = list(values)
    kept = {key: values[key] for key in labels[: limit - 1]}
    rest = (OTHER,) * len(labels[0])
    kept[rest] = kept.get(rest, 0.0) + sum(values[key] for key in labels[limit - 1 :])
    return kept


def _known(names: set[str]) -> None:
    unknown = sorted(names - BY_NAME.keys())
    if unknown:
        raise KeyError(f"no metric family is called {', '.join(unknown)}")


def family(name: str) -> Family:
    return BY_NAME[name]
