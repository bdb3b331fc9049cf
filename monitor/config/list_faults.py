"""Finds lists that cannot be used at all, with one line for each."""

from collections.abc import Sequence
from typing import Final

from monitor.catalog.formats.reader import NO_FORMAT
from monitor.lists.loader import ListStatus
from monitor.units import count_text

# The origin of a list has one of these prefixes only while there is no copy; with a copy it is the file's path.
FETCHED: Final = ("https://", "http://", "file://")


def fault_of(status: ListStatus) -> str:
    """Returns why nothing of the list is used (unreadable, or no valid line); `""` if at least a part is used."""
    if status.error or status.entries or not status.ignored:
        return status.error
    first = next((complaint for complaint in status.complaints if complaint.ignored), None)
    if first is not None and not first.line:
        return f"no list, {first.reason}"
    shown = f", the first: {first}" if first is not None else ""
    if status.complaints[0].reason.startswith(NO_FORMAT):
        return f"no list, {NO_FORMAT} its {count_text(status.ignored, 'line')}{shown}"
    read_as = f" as {status.format}" if status.format else ""
    return f"no list, none of its {count_text(status.ignored, 'line')} is an entry{read_as}{shown}"


def list_faults(statuses: Sequence[ListStatus]) -> list[str]:
    """Returns a line for each list that should exist and cannot be used."""
    return [_line(status) for status in statuses if fault_of(status) and not is_missing(status)]


def missing_subscriptions(statuses: Sequence[ListStatus]) -> list[str]:
    """Returns a line for each subscription without a downloaded copy. All other lists work without it."""
    return [_line(status) for status in statuses if fault_of(status) and is_missing(status)]


def is_missing(status: ListStatus) -> bool:
    return status.origin.startswith(FETCHED)


def _line(status: ListStatus) -> str:
    return f"{status.origin}: list {status.name}: {fault_of(status)}"
