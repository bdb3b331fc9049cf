"""Defines the kinds of panel. Each panel has a title, a description, a unit and thresholds; none can be left out."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel: TypeAlias = stat.Panel | timeseries.Panel | table.Panel | bargauge.Panel

# Bytes count in KiB and MiB, as in the tables of the command. Counts are written out: a unit that shortens them turns
# 1,551 blocked questions into "2 K".
BYTES: Final = "bytes"
BYTES_A_SECOND: Final = "binBps"
COUNT: Final = "locale"
A_SECOND: Final = "suffix:/s"
A_MINUTE: Final = "suffix:/min"
SECONDS: Final = "s"
SHARE: Final = "percentunit"

# Decimals by unit; for other units three significant digits.
DECIMALS: Final = {COUNT: 0, SHARE: 1}

# The minimum upper end of an axis without thresholds: Grafana draws a series of zeros on one from 0 to 100.
LEAST: Final = {BYTES: 1024.0, BYTES_A_SECOND: 1024.0, SECONDS: 0.001, SHARE: 0.01}

# The colour from each value on; the first has no lower end.
Steps: TypeAlias = tuple[tuple[float | None, str], ...]
PLAIN: Final[Steps] = ((None, "blue"),)
GOOD: Final[Steps] = ((None, "green"),)

# Column titles of labels, and the minimum width of the column in pixels.
LABELS: Final = {
    "vendor": ("Vendor", 120), "service": ("Service", 90), "group": ("Group", 140), "mode": ("Mode", 80),
    "asn": ("Network", 110), "country": ("Country", 90), "list": ("List", 130), "state": ("State", 110),
}  # fmt: skip
# Text for a missing label: an ended ban has values, but no mode.
ABSENT: Final = {"mode": "over"}
EMPTY: Final = ("null", "empty")
FAR: Final = 1e15


def above(yellow: float, red: float) -> Steps:
    return ((None, "green"), (yellow, "yellow"), (red, "red"))


def bad_above(red: float) -> Steps:
    return ((None, "green"), (red, "red"))


def bad_below(green: float) -> Steps:
    return ((None, "red"), (green, "green"))


def quiet(steps: Steps) -> Steps:
    """Returns the thresholds without the colour for good values, so that a table highlights only faults."""
    return tuple((value, "text" if color in ("green", "blue") else color) for value, color in steps)


@dataclass(frozen=True)
class Query:
    """An expression and the legend of its series: `{{label}}` stands for a label's value."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Column:
    """A table column of values: one instant query. `too_large` is a word for values from a limit on, in red.

    A column that is not `shown` only adds rows.
    """

    title: str
    expression: str
    unit: str = COUNT
    steps: Steps = PLAIN
    too_large: tuple[float, str] | None = None
    shown: bool = True


@dataclass(frozen=True)
class About:
    """The title, description, unit and thresholds of a panel; `absent` replaces "No data" if missing data is not a
    fault.
    """

    title: str
    description: str
    unit: str = COUNT
    steps: Steps = PLAIN
    absent: str = ""


def number(about: About, expression: str, width: int = 4, course: bool = True) -> stat.Panel:
    """Shows one current value with its history behind it; a value of the whole range has no history and is queried
    once.
    """
    course = course and "$__range" not in expression
    panel = stat.Panel().with_target(asked(Query(expression), 0, instant=not course)).height(4).span(width)
    panel.graph_mode(options.BigValueGraphMode.AREA if course else options.BigValueGraphMode.NONE)
    panel.color_mode(options.BigValueColorMode.VALUE)
    if about.unit in DECIMALS:
        panel.decimals(DECIMALS[about.unit])
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def words(about: About, query: Query, texts: dict[str, tuple[str, str]], width: int = 4) -> stat.Panel:
    """Shows states as words: `texts` maps a value to a word and its colour; other values are shown as numbers."""
    panel = stat.Panel().with_target(asked(query, 0, instant=True)).height(4).span(width)
    panel.graph_mode(options.BigValueGraphMode.NONE).color_mode(options.BigValueColorMode.BACKGROUND)
    panel.text_mode(options.BigValueTextMode.VALUE_AND_NAME if query.legend else options.BigValueTextMode.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    results = {value: model.ValueMappingResult(text, color) for value, (text, color) in texts.items()}
    panel.mappings([model.ValueMap(results)])
    described(panel, about)
    return panel


def label(about: About, expression: str, name: str, width: int = 4) -> stat.Panel:
    """Shows the value of a label, for info metrics."""
    panel = stat.Panel().with_target(asked(Query(expression, f"{{{{{name}}}}}"), 0, instant=True)).height(4).span(width)
    panel.text_mode(options.BigValueTextMode.NAME).graph_mode(options.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def curve(about: About, *queries: Query, width: int = 12, stacked: bool = False, every: str = "") -> timeseries.Panel:
    """Shows series over time with their values in the legend; meaningful thresholds are drawn.

    The first threshold is always on the axis: values far below it are drawn at the bottom. `every` is the minimum step,
    for values that change in larger steps. Points are shown if there are too few for a line.
    """
    panel = timeseries.Panel().height(9).span(width).axis_soft_min(0).axis_soft_max(headroom(about))
    for at, query in enumerate(queries):
        panel.with_target(asked(query, at))
    panel.legend(legend(beside=width >= 12 and many_and_short(queries)))
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    panel.tooltip(tooltip.sort(options.SortOrder.DESCENDING))
    panel.fill_opacity(30 if stacked else 10).show_points(options.VisibilityMode.AUTO)
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if len(about.steps) > 1:
        style = options.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    if about.unit in DECIMALS:
        panel.decimals(DECIMALS[about.unit])
    if every:
        panel.interval(every)
    described(panel, about)
    return panel


def headroom(about: About) -> float:
    limits = [value for value, _ in about.steps if value is not None]
    return min(limits) if limits else LEAST.get(about.unit, 1.0)


def many_and_short(queries: tuple[Query, ...]) -> bool:
    """Whether there are many series with short names, so that the legend fits beside the curves on a small screen."""
    names = [query.legend for query in queries]
    long = any(name.count("{{") > 1 or "{{group}}" in name or "{{instance}}" in name for name in names)
    return not long and (len(names) > 1 or "{{" in names[0])


def legend(beside: bool) -> common.VizLegendOptions:
    """Sorts the legend by value. Beside the curves it has room for a dozen series, below them for three."""
    made = common.VizLegendOptions().display_mode(options.LegendDisplayMode.TABLE).show_legend(True)
    made.placement(options.LegendPlacement.RIGHT if beside else options.LegendPlacement.BOTTOM)
    return made.calcs(["mean", "max"]).sort_by("Max").sort_desc(True)


def mirrored(panel: timeseries.Panel, pattern: str) -> timeseries.Panel:
    """Draws the series whose names match downwards, opposite to the others."""
    properties = [model.DynamicConfigValue("custom.transform", "negative-Y")]
    return panel.override_by_regexp(pattern, properties)


def bars(about: About, query: Query, width: int = 12, height: int = 9) -> bargauge.Panel:
    """Shows one bar for each series, with its current value."""
    panel = bargauge.Panel().with_target(asked(query, 0, instant=True)).height(height).span(width).min(0)
    panel.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def rows(about: About, labels: tuple[str, ...], columns: tuple[Column, ...], width: int = 24, height: int = 9,
         link: tuple[str, str] | None = None, sort: str = "") -> table.Panel:  # fmt: skip
    """Shows a row for each combination of `labels` and a column for each query; `link` is a title and URL for the first
    label.

    Rows are sorted by the column `sort`, or by the first one shown, the largest first.
    """
    panel = table.Panel().height(height).span(width).min_width(70)
    for name in labels:
        panel.override_by_name(LABELS[name][0], label_properties(name))
    for at, column in enumerate(columns):
        panel.with_target(asked(Query(column.expression), at, instant=True).format(PromQueryFormat.TABLE))
        panel.override_by_name(column.title, column_properties(column))
    panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    panel.with_transformation(model.DataTransformerConfig("organize", options=arranged(labels, columns)))
    first = next(column.title for column in columns if column.shown)
    panel.sort_by([common.TableSortByFieldState().display_name(sort or first).desc(True)])
    if link is not None:
        title, url = link
        panel.override_by_name(
            LABELS[labels[0]][0], [model.DynamicConfigValue("links", [{"title": title, "url": url}])]
        )
    described(panel, about)
    return panel


def arranged(labels: tuple[str, ...], columns: tuple[Column, ...]) -> dict[str, Any]:
    """Orders the columns: labels, then values by their titles; hides all others."""
    figures = ["Value"] if len(columns) == 1 else [f"Value #{letter(at)}" for at in range(len(columns))]
    titles = {name: LABELS[name][0] for name in labels}
    titles |= {name: column.title for name, column in zip(figures, columns, strict=True)}
    left_out = {name: True for name, column in zip(figures, columns, strict=True) if not column.shown}
    order = {name: at for at, name in enumerate(titles)}
    return {"excludeByName": {"Time": True, **left_out}, "indexByName": order, "renameByName": titles}


def label_properties(name: str) -> list[model.DynamicConfigValue]:
    properties = [model.DynamicConfigValue("custom.minWidth", LABELS[name][1])]
    if name in ABSENT:
        absent = [{"type": "special", "options": {"match": match, "result": {"text": ABSENT[name]}}} for match in EMPTY]
        properties.append(model.DynamicConfigValue("mappings", absent))
    return properties


def column_properties(column: Column) -> list[model.DynamicConfigValue]:
    """Sets a header that is not truncated, a unit, and colours if there are thresholds."""
    properties = [
        model.DynamicConfigValue("unit", column.unit),
        model.DynamicConfigValue("custom.minWidth", max(70, 24 + 7 * len(column.title))),
    ]
    if column.unit in DECIMALS:
        properties.append(model.DynamicConfigValue("decimals", DECIMALS[column.unit]))
    if len(column.steps) > 1 or column.too_large:
        steps = [{"value": value, "color": color} for value, color in quiet(column.steps)]
        properties.append(model.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}))
        properties.append(model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    if column.too_large:
        above, word = column.too_large
        # Grafana treats a null end as zero, so that no value would be in the range.
        mapping = {"type": "range", "options": {"from": above, "to": FAR, "result": {"text": word, "color": "red"}}}
        properties.append(model.DynamicConfigValue("mappings", [mapping]))
    return properties


def asked(query: Query, at: int, instant: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).ref_id(letter(at)).legend_format(query.legend or "__auto")
    target.format(PromQueryFormat.TIME_SERIES)
    return target.instant() if instant else target.range()


def letter(at: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]


def described(panel: Panel, about: About) -> None:
    panel.title(about.title).description(about.description).unit(about.unit)
    if about.absent:
        panel.no_value(about.absent)
    steps = [model.Threshold(value, color) for value, color in about.steps]
    panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    panel.datasource(model.DataSourceRef("prometheus", "${datasource}"))
    if not isinstance(panel, timeseries.Panel):
        panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
