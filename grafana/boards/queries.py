"""The words that expressions are made of, so that every panel asks in the same way.

`$instance`, `$vendor` and `$group` are the dashboards' variables. Sums over the shown range start from a recorded sum
of counters (`alerts/recording.yml`): a tenth of the samples, so that a month can be asked for.
"""

from typing import Final

INSTANCE: Final = 'instance=~"$instance"'
VENDOR: Final = 'vendor=~"$vendor"'
GROUP: Final = 'group=~"$group"'
# Of bans: those for everyone are bans for the chosen groups, too.
BAN_GROUP: Final = 'group=~"$group|all"'
UP: Final = 'direction="up"'
DOWN: Final = 'direction="down"'

# Recorded: flow_bytes_total without its evidence.
TRAFFIC: Final = "vendor_service_group_direction:gatewatch_flow_bytes_total:sum"


def series(metric: str, *matchers: str) -> str:
    """The series of a gatewatch metric, or of any other whose name has a colon or another prefix."""
    known = metric if ":" in metric or metric.startswith(("process_", "python_", "scrape_")) else f"gatewatch_{metric}"
    return f"{known}{{{', '.join((INSTANCE, *matchers))}}}"


def rate(metric: str, by: str, *matchers: str) -> str:
    """How fast a counter grows, a second; all of it together where `by` is empty."""
    growth = f"rate({series(metric, *matchers)}[$__rate_interval])"
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


def pace(metric: str, by: str, *matchers: str) -> str:
    """As `rate`, a minute: of what happens now and then, a figure for a second is a fraction that nobody reads."""
    growth = f"60 * rate({series(metric, *matchers)}[$__rate_interval])"
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


def total(metric: str, by: str, *matchers: str) -> str:
    """By how much a counter grew over the range that is shown.

    `increase` alone leaves out what a series had when it was first seen: a vendor that was met once would have none.
    """
    counter = series(metric, *matchers)
    grown = f"increase({counter}[$__range])"
    born = f"(min_over_time({counter}[$__range]) unless {counter} offset $__range)"
    return f"sum by ({by}) (({grown} + {born}) or {grown})"


def largest(count: int, expression: str) -> str:
    return f"topk({count}, {expression})"


def quantile(share: float, metric: str) -> str:
    """Below which value that share of a histogram's observations lay, over the last minutes."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le')})"


def share(part: str, whole: str) -> str:
    """From 0 to 1; nothing where there is no whole."""
    return f"{part} / ({whole} > 0)"


def everyone(expression: str) -> str:
    """With `All`, which stands for every group in links, where a ban is for everyone: no device has the group `all`."""
    return f'label_replace({expression}, "group", "All", "group", "all")'


def grown(metric: str, by: str, *matchers: str) -> str:
    """As `total`, for counters that are there before they count: what bans count begins at zero with the ban."""
    over = f"increase({series(metric, *matchers)}[$__range])"
    return f"sum by ({by}) ({over})" if by else f"sum({over}) or vector(0)"
