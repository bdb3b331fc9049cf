"""The daemon's reports about itself: samples, health, and the summary logged when it stops."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from monitor.capture.live import InterfaceCounts
from monitor.config.sections import ListSource
from monitor.core.books.rows import Row
from monitor.core.verdict.replacement import WAITING_MAX
from monitor.errors import ErrorCounts
from monitor.kernel.netlink.conntrack import Conntrack
from monitor.limits import Limits
from monitor.lists.copies import is_subscription
from monitor.lists.loader import ListStatus
from monitor.model import Samples

LAST_WORDS_MAX: Final = 40
COMPLAINTS_MAX: Final = 5


def capture_samples(counts: dict[str, InterfaceCounts]) -> Samples:
    return {
        "capture_packets_total": {(name,): float(count.frames) for name, count in counts.items()},
        "capture_bytes_total": {(name,): float(count.bytes) for name, count in counts.items()},
        "capture_dropped_packets_total": {(name,): float(count.dropped) for name, count in counts.items()},
    }


def conntrack_samples(conntrack: Conntrack | None) -> Samples:
    return {"conntrack_overruns_total": {(): float(conntrack.overruns)}} if conntrack is not None else {}


def decode_samples(errors: ErrorCounts, sizes: dict[str, int], evictions: dict[str, int]) -> Samples:
    return {
        "decode_errors_total": {key: float(count) for key, count in errors.counts.items()},
        "table_entries": {(table,): float(size) for table, size in sizes.items()},
        "table_evictions_total": {(table,): float(count) for table, count in evictions.items()},
    }


def limit_samples(limits: Limits, tables: Iterable[str]) -> Samples:
    """Returns the configured maximum of each of these tables."""
    bounds: dict[str, Any] = {**asdict(limits), "host_names": limits.devices, "replacements": WAITING_MAX}
    return {"table_limit": {(table,): float(bounds[table]) for table in tables if table in bounds}}


def list_samples(statuses: Sequence[ListStatus], sources: Sequence[ListSource]) -> Samples:
    """Returns the samples of all lists. `sources` (`[[list]]`) determine which lists are fetched, and how often."""
    intervals = {source.name: source.interval for source in sources if is_subscription(source.url)}
    return {
        "list_entries": {(status.name,): float(status.entries) for status in statuses},
        "list_ignored_lines": {(status.name,): float(status.ignored) for status in statuses},
        "list_last_success_timestamp_seconds": {(status.name,): status.updated_at for status in statuses},
        "list_update_interval_seconds": {(name,): interval for name, interval in intervals.items()},
        "list_failed_updates": {
            (status.name,): float(status.failures) for status in statuses if status.name in intervals
        },
    }


def list_lines(statuses: Sequence[ListStatus]) -> list[str]:
    """Returns a line for each list that could not be read, and for the first invalid lines of each list."""
    lines = []
    for status in statuses:
        if status.error:
            lines.append(f"{status.origin}: list {status.name}: {status.error}")
        elif status.ignored and not status.shipped:
            first = "; ".join(str(complaint) for complaint in status.complaints[:COMPLAINTS_MAX])
            lines.append(f"{status.origin}: list {status.name}: {status.ignored} lines ignored: {first}")
    return lines


def last_words(rows: Sequence[Row], counts: dict[str, InterfaceCounts], errors: ErrorCounts) -> list[str]:
    """Returns the final counters for the log: input first, then bytes by vendor and service in descending order."""
    captured = ", ".join(
        f"{name} {count.frames} frames, {count.bytes} bytes, {count.dropped} dropped" for name, count in counts.items()
    )
    totals: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        total = totals.setdefault((row.vendor, row.service), [0, 0, 0])
        total[0] += row.bytes_up
        total[1] += row.bytes_down
        total[2] += row.flows
    ordered = sorted(totals.items(), key=lambda item: -item[1][0] - item[1][1])
    lines = [f"captured: {captured}; not decoded: {sum(errors.counts.values())}"]
    lines += [
        f"counted: {vendor}/{service} {up} bytes up, {down} bytes down, {flows} flows"
        for (vendor, service), (up, down, flows) in ordered[:LAST_WORDS_MAX]
    ]
    if len(ordered) > LAST_WORDS_MAX:
        lines.append(f"counted: and {len(ordered) - LAST_WORDS_MAX} more services")
    return lines
