"""Matches owners, in the form of `catalog.entry.owner_text`, with the subjects of bans and exceptions."""

from collections.abc import Sequence
from typing import TypeAlias

from monitor.catalog.entry import CATEGORY_MARK, SERVICE_SEPARATOR
from monitor.policy.ban import Ban, Subject

# All owners of a name or an address.
OwnerNames: TypeAlias = tuple[str, ...]
# The labels of a ban's subject: the vendor, category or list, and the service, `""` for a ban without a service.
SubjectLabel: TypeAlias = tuple[str, str]


def covers(subject: Subject, owner: str) -> int:
    """Returns how closely the subject matches this owner: 0 the service, 1 the vendor, 2 a category, -1 no match."""
    if subject.category:
        return 2 if owner == CATEGORY_MARK + subject.category else -1
    vendor, _, services = owner.partition("/")
    if not subject.vendor or subject.vendor != vendor:
        return -1
    if not subject.service:
        return 1
    return 0 if subject.service in services.split(SERVICE_SEPARATOR) else -1


def closest(subjects: Sequence[Subject], owners: Sequence[str]) -> tuple[int, Subject | None]:
    """Returns how closely the subjects match the owners, and the closest subject; -1 and None if none matches."""
    best = -1
    found: Subject | None = None
    for subject in subjects:
        for owner in owners:
            closeness = covers(subject, owner)
            if closeness >= 0 and (best < 0 or closeness < best):
                best = closeness
                found = subject
    return best, found


def is_about(ban: Ban, owners: Sequence[str]) -> bool:
    """Whether the ban applies to one of the owners."""
    return closest(ban.subjects, owners)[0] >= 0


def without(owners: OwnerNames, subjects: Sequence[Subject]) -> OwnerNames:
    """Returns the owners that no subject matches."""
    return tuple([owner for owner in owners if closest(subjects, (owner,))[0] < 0])


def subject_label(subject: str) -> SubjectLabel:
    """Returns the labels `vendor` and `service` of a subject: `bytedance/tiktok` gives `bytedance` and `tiktok`."""
    vendor, _, service = subject.removeprefix(CATEGORY_MARK).partition("/")
    return vendor, service
