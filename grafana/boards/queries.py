"""Builds the parts of expressions, so that all panels query in the same way.

`$instance`, `$vendor` and `$group` are the dashboards' variables. Sums over the time range use a recorded sum of
counters (`alerts/recording.yml`): it has a tenth of the samples, so that a month can be queried.
"""

from typing import Final

INSTANCE: Final = 'instance=~"$instance"'
VENDOR: Final = 'vendor=~"$vendor"'
GROUP: Final = 'group=~"$group"'
# Matcher of bans: bans for everyone apply to the chosen groups too.
BAN_GROUP: Final = 'group=~"$group|all"'
UP: Final = 'direction="up"'
DOWN: Final = 'direction="down"'

# Recorded: flow_bytes_total without the label evidence.
TRAFFIC: Final = "vendor_service_group_direction:gatewatch_flow_bytes_total:sum"


def series(metric: str, *matchers: str) -> str:
    """Returns the selector of a gatewatch metric, or of another metric whose name has a colon or another prefix."""
    known = metric if ":" in metric or metric.startswith(("process_", "python_", "scrape_")) else f"gatewatch_{metric}"
    return f"{known}{{{', '.join((INSTANCE, *matchers))}}}"


def rate(metric: str, by: str, *matchers: str) -> str:
    """Returns the increase of a counter per second; the sum of all series if `by` is empty."""
    growth = f"rate({series(metric, *matchers)}[$__rate_interval])"
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


def pace(metric: str, by: str, *matchers: str) -> str:
    """Returns the increase per minute: for rare events a value per second is an unreadable fraction."""
    growth = f"60 * rate({series(metric, *matchers)}[$__rate_interval])"
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


def total(metric: str, by: str, *matchers: str) -> str:
    """Returns the increase of a counter over the time range.

    `increase` alone leaves out the first value of a series: a vendor that was seen once would have none.
    """
    counter = series(metric, *matchers)
    grown = f"increase({counter}[$__range])"
    born = f"(min_over_time({counter}[$__range]) unless {counter} offset $__range)"
    return f"sum by ({by}) (({grown} + {born}) or {grown})"


def largest(count: int, expression: str) -> str:
    return f"topk({count}, {expression})"


def quantile(share: float, metric: str) -> str:
    """Returns the value below which that share of a histogram's observations was, over the last minutes."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le')})"


def share(part: str, whole: str) -> str:
    """Returns the share from 0 to 1; no value if the whole is 0."""
    return f"{part} / ({whole} > 0)"


def everyone(expression: str) -> str:
    """Replaces the group `all` of bans for everyone by `All`, which selects every group in links."""
    return f'label_replace({expression}, "group", "All", "group", "all")'


def grown(metric: str, by: str, *matchers: str) -> str:
    """As `total`, for counters that exist before they count: the counters of a ban start at zero with the ban."""
    over = f"increase({series(metric, *matchers)}[$__range])"
    return f"sum by ({by}) ({over})" if by else f"sum({over}) or vector(0)"
