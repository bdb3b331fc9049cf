"""Renders Prometheus' text format 0.0.4 in slices.

This module replaces `prometheus_client.generate_latest` because of its measured cost: for 10,000 series of five labels
the library holds the interpreter for 0.17 to 0.2 s, this module for 0.03 s, and a slice of `SLICE` series for less than
2 ms. The tests check the output with the library's parser.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from monitor.histogram import Histogram
from monitor.metrics.families import Family

SLICE: Final = 500

Series: TypeAlias = Sequence[tuple[tuple[str, ...], float]]


def family_text(family: Family, series: Series) -> Iterator[str]:
    """Yields the lines of a counter or gauge, at most `SLICE` series per slice; yields nothing without series."""
    name = family.full_name
    head = _head(family)
    for at in range(0, len(series), SLICE):
        lines = [
            f"{name}{_labels(family.labels, values)} {number(value)}\n" for values, value in series[at : at + SLICE]
        ]
        yield head + "".join(lines)
        head = ""


def histogram_text(family: Family, histogram: Histogram) -> str:
    """Returns the lines of a histogram without labels: cumulative buckets, sum and count."""
    name = family.full_name
    lines = [_head(family)]
    for bound, count in zip(histogram.bounds, histogram.counts, strict=True):
        lines.append(f'{name}_bucket{{le="{number(bound)}"}} {count}\n')
    lines.append(f'{name}_bucket{{le="+Inf"}} {histogram.count}\n')
    lines.append(f"{name}_sum {number(histogram.total)}\n{name}_count {histogram.count}\n")
    return "".join(lines)


def number(value: float) -> str:
    """Formats a value: integers without a fraction, infinities and NaN as Prometheus writes them."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _head(family: Family) -> str:
    text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {family.full_name} {text}\n# TYPE {family.full_name} {family.type}\n"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value
