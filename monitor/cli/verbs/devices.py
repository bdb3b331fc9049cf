"""`devices`: lists the devices, and the vendors that each talks to."""

import json
import sys
import time
from argparse import Namespace
from typing import Any, Final

from monitor.cli.client import ask
from monitor.cli.columns import Column, table_text
from monitor.cli.rows import UNKNOWN, Row, largest
from monitor.errors import EXIT_OK
from monitor.units import bytes_text, span_text

VENDORS_SHOWN: Final = 4
COLUMNS: Final = (
    Column("DEVICE"), Column("NAME"), Column("GROUP"), Column("ADDRESS"), Column("UPLOAD", right=True),
    Column("DOWNLOAD", right=True), Column("SEEN", right=True), Column("VENDORS"),
)  # fmt: skip


def run(arguments: Namespace) -> int:
    result = ask("devices", {})
    if arguments.json:
        print(json.dumps(result))
    else:
        sys.stdout.write(devices_table(result["devices"], result["rows"], time.time()))
    return EXIT_OK


def devices_table(devices: list[dict[str, Any]], rows: list[Row], now: float) -> str:
    """Returns one line per device, with its vendors, most bytes first."""
    volumes: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["vendor"] != UNKNOWN:
            vendors = volumes.setdefault(row["device"], {})
            vendors[row["vendor"]] = vendors.get(row["vendor"], 0) + row["bytes_up"] + row["bytes_down"]
    return table_text(COLUMNS, [_cells(device, volumes.get(device["device"], {}), now) for device in devices])


def _cells(device: dict[str, Any], vendors: dict[str, int], now: float) -> list[str]:
    names = largest(vendors)
    more = f" +{len(names) - VENDORS_SHOWN}" if len(names) > VENDORS_SHOWN else ""
    addresses = device["addresses"]
    address = addresses[0] + (f" +{len(addresses) - 1}" if len(addresses) > 1 else "") if addresses else ""
    return [
        device["device"] + (" (random)" if device.get("random_mac") else ""),
        device["hostname"],
        device["group"],
        address,
        bytes_text(device["bytes_up"]),
        bytes_text(device["bytes_down"]),
        span_text(now - device["last"]),
        " ".join(names[:VENDORS_SHOWN]) + more,
    ]
