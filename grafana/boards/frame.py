"""Defines the parts that all dashboards share: links, variables and the layout of panels in rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from boards.panels import Panel
from boards.queries import INSTANCE

TAG: Final = "gatewatch"
EVERYTHING: Final = ".*"
# As in provisioning/datasources/gatewatch.yml.
SOURCE: Final = "gatewatch-prometheus"


@dataclass(frozen=True)
class Variable:
    """A variable above the panels: the values of `label` in the series of `metric` that match `matcher`."""

    name: str
    title: str
    metric: str
    label: str
    description: str
    matcher: str = ""


INSTANCES: Final = Variable("instance", "Gateway", "build_info", "instance", "The gateways to show.")
VENDORS: Final = Variable("vendor", "Vendor", "flow_bytes_total", "vendor", "Vendors with traffic of devices.")
GROUPS: Final = Variable(
    "group", "Group", "flow_bytes_total", "group", "Groups of devices; `none` stands for devices without a group."
)
BANNED: Final = Variable("vendor", "Banned vendor", "ban_info", "vendor", "Vendors and categories under a ban.")
BAN_GROUPS: Final = Variable(
    "group", "Ban's group", "ban_info", "group", "Groups under a ban; bans for everyone always show.", 'group!="all"'
)


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


def board(
    uid: str, title: str, description: str, variables: Sequence[Variable], rows: Sequence[Row]
) -> build.Dashboard:
    """Returns a dashboard; panels are numbered in their order, so that links to a panel stay valid."""
    made = build.Dashboard(title if title.startswith("gatewatch") else f"gatewatch: {title}")
    made.uid(f"gatewatch-{uid}").description(description).tags([TAG])
    made.time("now-6h", "now").refresh("30s").timezone("browser").editable()
    made.tooltip(model.DashboardCursorSync.CROSSHAIR).link(links())
    made.with_variable(source())
    for variable in variables:
        made.with_variable(choice(variable))
    number = 0
    for row in rows:
        number += 1
        made.with_row(build.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            made.with_panel(panel.id(number))
    return made


def links() -> build.DashboardLink:
    """Returns links to all dashboards of gatewatch that keep the time range and the variables."""
    link = build.DashboardLink("gatewatch").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.include_vars(True).keep_time(True).as_dropdown(False)


def source() -> build.DatasourceVariable:
    """Returns the variable of the data source: the provisioned one, else the first."""
    variable = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    variable.current(model.VariableOption(text="gatewatch", value=SOURCE, selected=True))
    return variable.description("The Prometheus that scrapes gatewatch.")


def choice(variable: Variable) -> build.QueryVariable:
    matchers = ", ".join(filter(None, ("" if variable is INSTANCES else INSTANCE, variable.matcher)))
    chosen = f"{{{matchers}}}" if matchers else ""
    query = f"label_values(gatewatch_{variable.metric}{chosen}, {variable.label})"
    made = build.QueryVariable(variable.name).label(variable.title).description(variable.description)
    made.query({"query": query, "refId": variable.name}).datasource(model.DataSourceRef("prometheus", "${datasource}"))
    made.multi(True).include_all(True).all_value(EVERYTHING)
    made.current(model.VariableOption(text="All", value="$__all", selected=True))
    return made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)


def place(uid: str, *choices: str) -> str:
    """Returns the URL of a dashboard with the current time range, source and gateways and these further variables."""
    kept = ("${__url_time_range}", "${datasource:queryparam}", "${instance:queryparam}")
    return f"/d/gatewatch-{uid}?" + "&".join((*kept, *choices))
