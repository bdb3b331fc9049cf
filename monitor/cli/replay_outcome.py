"""The result of a replay, over all of its files."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from monitor.cli.rows import UNKNOWN, vendor_table
from monitor.cli.rows import Row as RowDict
from monitor.core.books.rows import Row
from monitor.errors import ErrorCounts
from monitor.model import Samples
from monitor.units import bytes_text, count_text


class ReplayOutcome:
    """Adds up the rows and samples of files; `complaints` are lines about what could not be read."""

    def __init__(self) -> None:
        self.errors = ErrorCounts()
        self.complaints: list[str] = []
        self.events = 0
        self.lost = 0
        self._files: list[dict[str, Any]] = []
        self._rows: dict[tuple[str, ...], RowDict] = {}
        self._asked: dict[str, int] = {}
        self._blind: dict[str, int] = {}
        self._evicted: dict[str, int] = {}

    def complain(self, line: str) -> None:
        self.complaints.append(line)

    def add_file(self, path: str, frames: int, size: int, complaint: str, refusal: str) -> None:
        """Adds the counts of one file. `complaint` states where reading stopped, `refusal` why it did not start."""
        if refusal:
            self.complain(refusal)
        elif complaint:
            self.complain(f"{path}: {complaint}; {count_text(frames, 'packet')} before that were read")
        self._files.append({"file": path, "packets": frames, "bytes": size, "complaint": complaint or None})

    def add(self, rows: list[Row], samples: Samples) -> None:
        """Adds the rows and the samples of a timeline."""
        for row in rows:
            self._add_row(asdict(row))
        for (vendor, _, _), count in samples.get("dns_queries_total", {}).items():
            self._asked[vendor] = self._asked.get(vendor, 0) + int(count)
        for (_, reason), count in samples.get("blind_bytes_total", {}).items():
            self._blind[reason] = self._blind.get(reason, 0) + int(count)
        for (table,), count in samples.get("table_evictions_total", {}).items():
            self._evicted[table] = self._evicted.get(table, 0) + int(count)

    def rows(self) -> list[RowDict]:
        """Returns the rows, most bytes first."""
        return sorted(self._rows.values(), key=lambda row: -row["bytes_up"] - row["bytes_down"])

    def result(self) -> dict[str, Any]:
        """Returns the JSON object."""
        return {
            "rows": self.rows(),
            "files": self._files,
            "events": self.events,
            "dns_queries": self._asked,
            "decode_errors": [
                {"layer": layer, "kind": kind, "count": count}
                for (layer, kind), count in sorted(self.errors.counts.items())
            ],
            "blind_bytes": self._blind,
            "evictions": {table: count for table, count in self._evicted.items() if count},
        }

    def text(self) -> str:
        """Returns the table, followed by totals and by what could not be decoded."""
        rows = self.rows()
        return (vendor_table(rows) if rows else "") + "".join(f"{line}\n" for line in self._notes(rows))

    def _notes(self, rows: list[RowDict]) -> Iterator[str]:
        packets = sum(entry["packets"] for entry in self._files)
        size = sum(entry["bytes"] for entry in self._files)
        devices = len({row["device"] for row in rows})
        if rows:
            yield ""
        yield (
            f"{count_text(packets, 'packet')} in {count_text(len(self._files), 'file')} ({bytes_text(size)}), "
            f"{count_text(devices, 'device')}"
        )
        total = sum(row["bytes_up"] + row["bytes_down"] for row in rows)
        unknown = sum(row["bytes_up"] + row["bytes_down"] for row in rows if row["vendor"] == UNKNOWN)
        if total:
            yield f"without a vendor: {bytes_text(unknown)} of {bytes_text(total)} ({unknown * 100 / total:.0f} %)"
        asked = {vendor: count for vendor, count in self._asked.items() if vendor != UNKNOWN}
        if asked:
            yield f"DNS queries: {listed(asked, spell_count)}"
        if any(self._blind.values()):
            yield f"hidden: {listed(self._blind, bytes_text)}"
        bad = {f"{layer} {kind}": count for (layer, kind), count in self.errors.counts.items()}
        if bad:
            yield f"not decoded: {listed(bad, spell_count)}"
        if any(self._evicted.values()):
            yield f"evicted because a table was full: {listed(self._evicted, spell_count)}"
        if self.lost:
            yield f"events that could not be written: {self.lost:,}"

    def _add_row(self, row: RowDict) -> None:
        key = (row["device"], row["group"], row["vendor"], row["service"], row["evidence"])
        known = self._rows.get(key)
        if known is None:
            self._rows[key] = row
            return
        for field in ("bytes_up", "bytes_down", "flows"):
            known[field] += row[field]
        known["first"] = min(known["first"], row["first"])
        known["last"] = max(known["last"], row["last"])


def listed(counts: dict[str, int], spell: Callable[[float], str]) -> str:
    """`dns malformed 7, tls too_short 5`: the largest first, without zeros."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {spell(count)}" for name, count in ordered if count)


def spell_count(count: float) -> str:
    return f"{count:,.0f}"
