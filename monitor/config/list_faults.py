"""Lists that cannot be used at all, in one line each."""

from collections.abc import Sequence
from typing import Final

from monitor.catalog.formats.reader import NO_FORMAT
from monitor.lists.loader import ListStatus
from monitor.units import count_text

# So begins the origin of a list only while it has no copy: then it is its file.
FETCHED: Final = ("https://", "http://", "file://")


def fault_of(status: ListStatus) -> str:
    """Why nothing of the list is used: it cannot be read, or none of its lines makes sense; `""` where some is."""
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
    """The lists that should be there and cannot be used."""
    return [_line(status) for status in statuses if fault_of(status) and not is_missing(status)]


def missing_subscriptions(statuses: Sequence[ListStatus]) -> list[str]:
    """Subscriptions of which there is no copy yet: everything works without them."""
    return [_line(status) for status in statuses if fault_of(status) and is_missing(status)]


def is_missing(status: ListStatus) -> bool:
    return status.origin.startswith(FETCHED)


def _line(status: ListStatus) -> str:
    return f"{status.origin}: list {status.name}: {fault_of(status)}"
