"""Rows of `{device, group, vendor, service, evidence, bytes_up, bytes_down, flows, first, last}` as tables."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from monitor.cli.columns import Column, table_text
from monitor.units import bytes_text

Row: TypeAlias = dict[str, Any]

UNKNOWN: Final = "unknown"
VENDOR_COLUMNS: Final = (
    Column("VENDOR"), Column("SERVICE"), Column("DEVICES"), Column("UPLOAD", right=True),
    Column("DOWNLOAD", right=True), Column("EVIDENCE"),
)  # fmt: skip


@dataclass
class Total:
    """The bytes that all devices exchanged with one service."""

    devices: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, int] = field(default_factory=dict)
    up: int = 0
    down: int = 0

    def add(self, row: Row) -> None:
        volume = row["bytes_up"] + row["bytes_down"]
        self.up += row["bytes_up"]
        self.down += row["bytes_down"]
        self.devices[row["device"]] = self.devices.get(row["device"], 0) + volume
        self.evidence[row["evidence"]] = self.evidence.get(row["evidence"], 0) + volume


def vendor_table(rows: list[Row]) -> str:
    """One line per service, most bytes first, unidentified traffic last; evidence that named most bytes first."""
    totals: dict[tuple[str, str], Total] = {}
    for row in rows:
        totals.setdefault((row["vendor"], row["service"]), Total()).add(row)
    ordered = sorted(totals.items(), key=lambda item: (item[0][0] == UNKNOWN, -item[1].up - item[1].down, item[0]))
    cells = [
        [
            vendor,
            service,
            devices_text(total),
            bytes_text(total.up),
            bytes_text(total.down),
            " ".join(largest(total.evidence)),
        ]
        for (vendor, service), total in ordered
    ]
    return table_text(VENDOR_COLUMNS, cells)


def devices_text(total: Total) -> str:
    """Returns the device, or the number of devices."""
    (first, *more) = largest(total.devices)
    return f"{len(more) + 1} devices" if more else first or "-"


def largest(volumes: dict[str, int]) -> list[str]:
    return sorted(volumes, key=lambda name: (-volumes[name], name))
