"""Finds the device that a word identifies: by MAC address, address, or a host name that the daemon has seen."""

import difflib
from collections.abc import Sequence
from typing import Final

from monitor.config.device_address import packed_device
from monitor.core.books.rows import DeviceRow
from monitor.errors import UsageError
from monitor.policy.groups import parse_mac

CANDIDATES_MAX: Final = 5
LIKE: Final = 0.75
WANTED: Final = "expected a MAC address, an address or the host name of a device"


def device_meant(text: str, rows: Sequence[DeviceRow]) -> bytes:
    """Returns the device's packed MAC address or address. Raises UsageError if the word identifies no single device.

    A host name resolves to the MAC address of the device that has the name now. If another device takes the name later,
    the result does not apply to it.
    """
    try:
        return packed_device(text)
    except ValueError:
        pass
    wanted = host_key(text)
    found = [row for row in rows if wanted and wanted in host_keys(row.hostname)]
    keys = list(dict.fromkeys(map(key_of, found)))
    if len(keys) == 1 and keys[0]:
        return keys[0]
    if found:
        raise UsageError(f"{len(found)} devices are called '{text}': {listed(found)}")
    names = {host_key(row.hostname): row for row in rows if row.hostname}
    near = [names[name] for name in difflib.get_close_matches(wanted, names, CANDIDATES_MAX, LIKE)]
    if near:
        raise UsageError(f"no device is called '{text}', the nearest is {listed(near)}")
    if "/" in text:
        raise UsageError(f"{WANTED}, got '{text}': for a prefix write an [[exception]] into the configuration")
    hint = "`gatewatch devices` lists them" if names else "no host name of a device is known"
    raise UsageError(f"{WANTED}, got '{text}': {hint}")


def key_of(row: DeviceRow) -> bytes:
    """Returns the MAC address, else the first address, packed; `b""` if privacy settings hide both."""
    if row.mac:
        return parse_mac(row.mac)
    return packed_device(row.addresses[0]) if row.addresses else b""


def host_keys(hostname: str) -> tuple[str, str]:
    """Returns the names that identify a host: its full name and its first label."""
    whole = host_key(hostname)
    return whole, whole.partition(".")[0]


def host_key(text: str) -> str:
    return text.strip().rstrip(".").casefold()


def listed(rows: Sequence[DeviceRow]) -> str:
    """Returns a list for an error message: each device's host name and address, and the number of those left out."""
    shown = [f"{row.hostname} ({row.mac or ', '.join(row.addresses) or row.device})" for row in rows[:CANDIDATES_MAX]]
    more = len(rows) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
