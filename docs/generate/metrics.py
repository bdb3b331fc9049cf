"""The page of all metric families, from `monitor/metrics/families.py`."""

from generate.markdown import code, page, table
from monitor.metrics.families import FAMILIES, Family


def metrics_page() -> str:
    lines = [
        "Prometheus scrapes these families at `/metrics` of the address in `[metrics].listen`. Counters start at 0",
        "when the process starts. Label values come from closed sets: never a domain, a MAC or an IP address.",
        "",
        *table(("metric", "type", "labels", "meaning"), map(family_cells, FAMILIES)),
    ]
    return page("Metrics", "monitor/metrics/families.py", lines)


def family_cells(family: Family) -> tuple[str, str, str, str]:
    labels = ", ".join(map(code, family.labels))
    return code(family.full_name), family.type, labels, family.help
