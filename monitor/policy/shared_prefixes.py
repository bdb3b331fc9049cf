"""Bans of a service, and the prefixes that the service shares with other services of its vendor.

A ban of a service blocks the prefixes that carry this service alone (`own_prefixes_service` and `service` in the vendor
files). The vendor's other own prefixes stay open, because its other services use them too.
"""

from collections.abc import Sequence
from typing import Final

from monitor.catalog.coverage import NO_COVERAGE
from monitor.catalog.index import Index
from monitor.policy.ban import COUNT, ENFORCE, OBSERVE, SNI, Ban, Subject
from monitor.policy.owners import OwnerNames
from monitor.units import count_text

# The reason under which bytes to prefixes left open by a ban count as blind.
SHARED_PREFIX: Final = "shared_prefix"


def left_open(bans: Sequence[Ban], owners: OwnerNames) -> OwnerNames:
    """Returns the banned services whose vendor is among the owners of an address, in owner form: `meta/instagram` for
    an address of `meta`.
    """
    vendors = [owner.partition("/")[0] for owner in owners]
    found: list[str] = []
    for ban in bans:
        if ban.mode != OBSERVE:
            found += [str(one) for one in ban.subjects if one.service and one.vendor in vendors]
    return tuple(dict.fromkeys(found))


def open_prefixes(index: Index, subject: Subject) -> int:
    """Returns how many own prefixes of the vendor a ban of the subject leaves open; 0 if the subject is no service."""
    if not subject.service or subject.category:
        return 0
    everything = index.coverage.get(subject.vendor, NO_COVERAGE)
    return everything.prefixes - index.coverage.get(str(subject), NO_COVERAGE).prefixes


def open_notes(ban: Ban, index: Index) -> tuple[str, ...]:
    """Returns a line for each subject of the ban that leaves prefixes of its vendor open."""
    found: list[str] = []
    for subject in ban.subjects:
        count = open_prefixes(index, subject) if ban.mode != OBSERVE else 0
        if count:
            found.append(open_note(ban, subject, count))
    return tuple(dict.fromkeys(found))


def open_note(ban: Ban, subject: Subject, count: int) -> str:
    prefixes = count_text(count, "prefix", "prefixes")
    remedy = ""
    if ban.mode == ENFORCE and ban.blind == COUNT and SNI in ban.layers:
        remedy = '; [[ban]].blind = "reject" refuses such connections'
    return (
        f"{subject}: {prefixes} of {subject.vendor} stay open, because other services of {subject.vendor} use them; "
        f'bytes to them without a known name count in gatewatch_blind_bytes_total{{reason="{SHARED_PREFIX}"}}{remedy}'
    )
