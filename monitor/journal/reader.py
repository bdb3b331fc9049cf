"""Reads reports from the journal file, with or without a running daemon."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from monitor.attribution.devices import is_random_mac
from monitor.errors import GatewatchError, MachineError
from monitor.journal.tables import DamagedError, EmptyError, is_damage, open_reader

ROWS_AT_ONCE: Final = 1_000
SELECT: Final = """
SELECT day, device, coalesce(hostname, ''), coalesce(addresses, ''), grp, vendor, service, evidence, bytes_up,
    bytes_down, flows, blocked, leaked, first, last, names
FROM traffic LEFT JOIN identity USING (day, device)
WHERE day >= :since AND (:vendor = '' OR vendor = :vendor) AND (:service = '' OR service = :service)
    AND (:grp = '' OR grp = :grp)
ORDER BY day, bytes_up + bytes_down + blocked DESC, device, vendor, service, evidence
"""
SERVICES: Final = "SELECT DISTINCT vendor, service FROM traffic"
GROUPS: Final = "SELECT DISTINCT grp FROM traffic"


@dataclass(frozen=True)
class Wanted:
    """Selects rows: from a day on (`2026-12-31`), of a vendor, service or group; `""` selects all."""

    since: str = ""
    vendor: str = ""
    service: str = ""
    group: str = ""


def read_rows(path: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yields rows by day, those with most bytes first. Raises GatewatchError if no journal can be read."""
    asked = {"since": wanted.since, "vendor": wanted.vendor, "service": wanted.service, "grp": wanted.group}
    return map(row_of, select(path, SELECT, asked))


def read_labels(path: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Returns every vendor with each of its services, and every group in the journal. Raises as `read_rows`."""
    services = {(vendor, service) for vendor, service in select(path, SERVICES, {})}
    return services, {group for (group,) in select(path, GROUPS, {})}


def select(path: str, query: str, values: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a query one by one, because a journal may be larger than the memory.

    A journal that its writer has created but not filled gives no rows.
    """
    try:
        with closing(open_reader(path)) as database:
            cursor = database.execute(query, values)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield from rows
    except EmptyError:
        return
    except FileNotFoundError:
        raise GatewatchError(f"no journal at {path}: the daemon creates one when it starts") from None
    except PermissionError:
        raise MachineError(f"no permission to read {path}: only the daemon's user and group may read it") from None
    except (OSError, sqlite3.Error, DamagedError) as error:
        what = "is damaged" if is_damage(error) else "cannot be read"
        raise GatewatchError(f"the journal {path} {what}: {error}") from None


def is_random(device: str) -> bool:
    """Whether the MAC address of the device is locally administered, and so may be random; false for a pseudonym."""
    mac = device.split(":")
    return len(mac) == 6 and all(len(part) == 2 for part in mac) and is_random_mac(bytes.fromhex("".join(mac)))


def row_of(values: tuple[Any, ...]) -> dict[str, Any]:
    day, device, hostname, addresses, group, vendor, service, evidence, up, down, flows, blocked, leaked = values[:13]
    first, last, names = values[13:]
    return {
        "day": day, "device": device, "hostname": hostname, "addresses": addresses.split(), "group": group,
        "vendor": vendor, "service": service, "evidence": evidence, "bytes_up": up, "bytes_down": down,
        "flows": flows, "blocked": blocked, "leaked": leaked, "first": first, "last": last, "names": names.split(),
        "random_mac": is_random(device),
    }  # fmt: skip
