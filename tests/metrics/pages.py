"""A page with every family on it, so that names, helps and labels can be looked at together."""

from monitor.histogram import Histogram
from monitor.metrics.collector import Collector
from monitor.metrics.families import FAMILIES, HISTOGRAM
from monitor.model import Samples

VALUES = {
    "version": "1.2.3", "engine": "compiled", "interface": "br-lan", "layer": "dns", "kind": "too_short",
    "vendor": "bytedance", "service": "tiktok", "group": "none", "direction": "up", "evidence": "sni",
    "action": "allowed", "rcode": "NOERROR", "transport": "tls", "asn": "AS64500", "country": "DE", "method": "doh",
    "reason": "ech", "list": "bytedance", "table": "flows", "hash": "0123456789abcdef",
    "type": "dns", "mode": "enforce", "part": "kernel", "result": "ok", "state": "effective", "ech": "real",
}  # fmt: skip


def samples() -> Samples:
    """Two series of every family; their values are arbitrary, and do not change when families are added."""
    page: Samples = {}
    for family in FAMILIES:
        if family.type == HISTOGRAM:
            continue
        first = tuple(VALUES[label] for label in family.labels)
        page[family.name] = {first: 1.0}
        if family.labels and not family.name.endswith("_info"):
            page[family.name][("other", *first[1:])] = 1.5
    return page


def histograms() -> dict[str, Histogram]:
    page = {}
    for family in FAMILIES:
        if family.type == HISTOGRAM:
            page[family.name] = Histogram((0.001, 0.01, 0.1, 1.0))
            for value in (0.0005, 0.02, 3.0):
                page[family.name].add(value)
    return page


def collector(process: bool = False) -> Collector:
    return Collector([samples], [histograms], process)
