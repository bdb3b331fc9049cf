"""Every expression that the dashboards and the rules ask Prometheus, and what it names."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from monitor.metrics.families import FAMILIES, HISTOGRAM

FOLDER: Final = Path(__file__).resolve().parents[1] / "grafana"
RULES: Final = tuple(sorted((FOLDER / "alerts").glob("*.yml")))
DASHBOARDS: Final = tuple(sorted((FOLDER / "dashboards").glob("*.json")))

# Of the process and of Prometheus itself, with their labels.
OTHERS: Final = {
    "process_cpu_seconds_total": set(), "process_resident_memory_bytes": set(), "process_open_fds": set(),
    "process_max_fds": set(), "process_start_time_seconds": set(),
    "up": set(), "scrape_duration_seconds": set(), "scrape_samples_scraped": set(),
}  # fmt: skip
TARGET: Final = {"job", "instance"}
NAME: Final = re.compile(r"(?<![\w:$])[a-zA-Z_:][\w:]*")
WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """sum min max count avg topk by without on ignoring and or unless offset rate increase changes absent time
        vector floor label_replace histogram_quantile avg_over_time min_over_time""",
    )
)


@dataclass(frozen=True)
class Asked:
    """An expression, where it stands, and whether it is asked for one moment only."""

    where: str
    expression: str
    instant: bool = False


def panels(path: Path) -> list[dict[str, Any]]:
    """All panels of a dashboard but the rows."""
    return [panel for panel in json.loads(path.read_text())["panels"] if panel["type"] != "row"]


def asked_by_panels() -> list[Asked]:
    return [
        Asked(f"{path.stem}: {panel['title']} {target['refId']}", target["expr"], target.get("instant", False))
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
    ]


def rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load(path.read_text()) for path in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def asked_by_rules() -> list[Asked]:
    return [Asked(rule.get("alert") or rule["record"], rule["expr"], instant=True) for rule in rules()]


def known() -> dict[str, set[str]]:
    """Every metric that there is, with its labels; of a histogram its three parts, of a rule what it records."""
    found = {name: set(labels) for name, labels in OTHERS.items()}
    for family in FAMILIES:
        if family.type == HISTOGRAM:
            found |= {f"{family.full_name}_{part}": set(family.labels) for part in ("sum", "count")}
            found[f"{family.full_name}_bucket"] = {*family.labels, "le"}
        else:
            found[family.full_name] = set(family.labels)
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = set(rule["record"].split(":")[0].split("_"))
    return found


def names(expression: str) -> set[str]:
    """The metrics and labels that an expression names: nothing in quotes, none of the language's own words."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'|\[[^\]]*\]", " ", expression)
    return set(NAME.findall(bare)) - WORDS
