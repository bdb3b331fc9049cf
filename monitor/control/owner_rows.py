"""Owners and entries of the catalogue as JSON values."""

from typing import Any

from monitor.catalog.entry import Entry, further_services
from monitor.catalog.owners import Owners


def owner_rows(owners: Owners) -> list[dict[str, Any]]:
    """Returns each owner in a list, with the entry that matches it.

    `also` are further services that the entry counts for; `user` is true for one of the user's own lists.
    """
    return [
        {
            "vendor": None if entry.category else entry.vendor,
            "service": None if entry.category else entry.service,
            "also": list(further_services(entry)),
            "category": entry.vendor if entry.category else None,
            "list": entry.list,
            "entry": entry.value,
            "kind": entry.kind,
            "weak": entry.weak,
            "user": entry.user,
        }
        for entry in owners.entries
        if entry.list
    ]


def entry_row(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"vendor": None, "service": None, "list": None, "entry": None}
    return {"vendor": entry.vendor, "service": entry.service, "list": entry.list or None, "entry": entry.value or None}
