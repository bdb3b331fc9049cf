"""The text format, with the parser of prometheus_client as the oracle."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.histogram import Histogram
from monitor.metrics.exposition import SLICE, family_text, histogram_text, number
from monitor.metrics.families import COUNTER, HISTOGRAM, Family

FLOWS = Family("some_total", COUNTER, 'With a \\ and a "quote"\nand a second line.', ("vendor", "group"))


@given(
    st.dictionaries(
        st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))),
        st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
        min_size=1,
        max_size=30,
    )
)
def test_what_is_written_is_what_the_library_reads(values: dict[tuple[str, str], float]) -> None:
    text = "".join(family_text(FLOWS, list(values.items())))
    (family,) = text_string_to_metric_families(text)
    read = {(sample.labels["vendor"], sample.labels["group"]): sample.value for sample in family.samples}
    assert read == {labels: float(value) for labels, value in values.items()}
    assert family.documentation == FLOWS.help


def test_a_long_family_comes_in_slices_with_one_head() -> None:
    series = [((str(at), "none"), float(at)) for at in range(SLICE * 2 + 1)]
    parts = list(family_text(FLOWS, series))
    assert [part.count("gatewatch_some_total{") for part in parts] == [SLICE, SLICE, 1]
    assert "".join(parts).count("# HELP") == 1


def test_histograms_are_cumulative() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.5, 0.5, 7.0):
        histogram.add(value)
    (family,) = text_string_to_metric_families(histogram_text(Family("x_seconds", HISTOGRAM, "X."), histogram))
    read = {
        sample.name.removeprefix("gatewatch_x_seconds") + sample.labels.get("le", ""): sample.value
        for sample in family.samples
    }
    assert read == {"_bucket0.1": 1, "_bucket1": 3, "_bucket+Inf": 4, "_sum": 8.05, "_count": 4}


def test_numbers_are_short_and_exact() -> None:
    spelled = [number(value) for value in (0.0, 12.0, 2.5, 1e15, 123456789012.0, math.inf, -math.inf, math.nan)]
    assert spelled == ["0", "12", "2.5", "1000000000000000.0", "123456789012", "+Inf", "-Inf", "NaN"]
