"""The kinds of panel that there are. Each has a title, a description, a unit and thresholds: none can be left out."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel: TypeAlias = stat.Panel | timeseries.Panel | table.Panel | bargauge.Panel

BYTES: Final = "bytes"
BYTES_A_SECOND: Final = "Bps"
COUNT: Final = "short"
A_SECOND: Final = "cps"
SECONDS: Final = "s"
SHARE: Final = "percentunit"

# Above which value which colour; the first has no lower end.
Steps: TypeAlias = tuple[tuple[float | None, str], ...]
PLAIN: Final[Steps] = ((None, "blue"),)
GOOD: Final[Steps] = ((None, "green"),)


def above(yellow: float, red: float) -> Steps:
    return ((None, "green"), (yellow, "yellow"), (red, "red"))


def bad_above(red: float) -> Steps:
    return ((None, "green"), (red, "red"))


def bad_below(green: float) -> Steps:
    return ((None, "red"), (green, "green"))


@dataclass(frozen=True)
class Query:
    """An expression, and what its series are called: `{{label}}` stands for a label's value."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Column:
    """A column of figures in a table: one instant query."""

    title: str
    expression: str
    unit: str = COUNT
    steps: Steps = PLAIN


@dataclass(frozen=True)
class About:
    """What every panel must have."""

    title: str
    description: str
    unit: str = COUNT
    steps: Steps = PLAIN


def number(about: About, expression: str, width: int = 4) -> stat.Panel:
    """One figure as of now, with its course behind it; a figure of the whole range has none, and is asked for once."""
    whole = "$__range" in expression
    panel = stat.Panel().with_target(asked(Query(expression), 0, instant=whole)).height(4).span(width)
    panel.graph_mode(options.BigValueGraphMode.NONE if whole else options.BigValueGraphMode.AREA)
    panel.color_mode(options.BigValueColorMode.VALUE).decimals(0 if about.unit == COUNT else 1)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def words(about: About, query: Query, texts: dict[str, tuple[str, str]], width: int = 4) -> stat.Panel:
    """States in words: `texts` gives the word and its colour for a value; other values are shown as they are."""
    panel = stat.Panel().with_target(asked(query, 0, instant=True)).height(4).span(width)
    panel.graph_mode(options.BigValueGraphMode.NONE).color_mode(options.BigValueColorMode.BACKGROUND)
    panel.text_mode(options.BigValueTextMode.VALUE_AND_NAME if query.legend else options.BigValueTextMode.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    results = {value: model.ValueMappingResult(text, color) for value, (text, color) in texts.items()}
    panel.mappings([model.ValueMap(results)])
    described(panel, about)
    return panel


def label(about: About, expression: str, name: str, width: int = 4) -> stat.Panel:
    """The value of a label, for metrics that carry their news in one."""
    panel = stat.Panel().with_target(asked(Query(expression, f"{{{{{name}}}}}"), 0, instant=True)).height(4).span(width)
    panel.text_mode(options.BigValueTextMode.NAME).graph_mode(options.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def curve(about: About, *queries: Query, width: int = 12, stacked: bool = False, height: int = 8) -> timeseries.Panel:
    """Courses over time, the figures of each in the legend; the thresholds are drawn where they mean something."""
    panel = timeseries.Panel().height(height).span(width).axis_soft_min(0)
    for at, query in enumerate(queries):
        panel.with_target(asked(query, at))
    legend = common.VizLegendOptions().display_mode(options.LegendDisplayMode.TABLE).show_legend(True)
    panel.legend(legend.placement(options.LegendPlacement.BOTTOM).calcs(["mean", "max"]).sort_by("Max").sort_desc(True))
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    panel.tooltip(tooltip.sort(options.SortOrder.DESCENDING))
    panel.fill_opacity(30 if stacked else 10).show_points(options.VisibilityMode.NEVER)
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if len(about.steps) > 1:
        style = options.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    described(panel, about)
    return panel


def mirrored(panel: timeseries.Panel, pattern: str) -> timeseries.Panel:
    """Draws the series whose names match downwards, against the others."""
    properties = [model.DynamicConfigValue("custom.transform", "negative-Y")]
    return panel.override_by_regexp(pattern, properties)


def bars(about: About, query: Query, width: int = 12, height: int = 8) -> bargauge.Panel:
    """One bar for each series, as of now."""
    panel = bargauge.Panel().with_target(asked(query, 0, instant=True)).height(height).span(width).min(0)
    panel.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    described(panel, about)
    return panel


def rows(about: About, labels: tuple[str, ...], columns: tuple[Column, ...], width: int = 24, height: int = 8,
         link: tuple[str, str] | None = None) -> table.Panel:  # fmt: skip
    """A row for each combination of `labels`, a column for each query; `link` is a title and a place for the first."""
    panel = table.Panel().height(height).span(width)
    names = {f"Value #{letter(at)}": column.title for at, column in enumerate(columns)}
    if len(columns) == 1:
        names["Value"] = columns[0].title
    for at, column in enumerate(columns):
        panel.with_target(asked(Query(column.expression), at, instant=True).format(PromQueryFormat.TABLE))
        panel.override_by_name(column.title, column_properties(column))
    order = {name: at for at, name in enumerate((*labels, *names))}
    panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    organize: dict[str, Any] = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    panel.with_transformation(model.DataTransformerConfig("organize", options=organize))
    panel.sort_by([common.TableSortByFieldState().display_name(columns[0].title).desc(True)])
    if link is not None:
        title, url = link
        panel.override_by_name(labels[0], [model.DynamicConfigValue("links", [{"title": title, "url": url}])])
    described(panel, about)
    return panel


def column_properties(column: Column) -> list[model.DynamicConfigValue]:
    properties = [
        model.DynamicConfigValue("unit", column.unit),
        model.DynamicConfigValue("decimals", 1 if column.unit in (BYTES, SHARE) else 0),
    ]
    if len(column.steps) > 1:
        steps = [{"value": value, "color": color} for value, color in column.steps]
        properties.append(model.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}))
        cell = {"type": "color-text"}
        properties.append(model.DynamicConfigValue("custom.cellOptions", cell))
    return properties


def asked(query: Query, at: int, instant: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).ref_id(letter(at)).legend_format(query.legend or "__auto")
    target.format(PromQueryFormat.TIME_SERIES)
    return target.instant() if instant else target.range()


def letter(at: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]


def described(panel: Panel, about: About) -> None:
    panel.title(about.title).description(about.description).unit(about.unit)
    steps = [model.Threshold(value, color) for value, color in about.steps]
    panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    panel.datasource(model.DataSourceRef("prometheus", "${datasource}"))
    if not isinstance(panel, timeseries.Panel):
        panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
