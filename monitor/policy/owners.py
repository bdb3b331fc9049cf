"""Whom a ban or an exception is about: owners, as `catalog.entry.owner_text` writes them, against subjects."""

from collections.abc import Sequence
from typing import TypeAlias

from monitor.catalog.entry import CATEGORY_MARK, SERVICE_SEPARATOR
from monitor.policy.ban import Ban, Subject

# All owners of a name or an address.
OwnerNames: TypeAlias = tuple[str, ...]
# How metrics name what a ban is about: the vendor, category or list, and the service, `""` for a ban of the whole.
SubjectLabel: TypeAlias = tuple[str, str]


def covers(subject: Subject, owner: str) -> int:
    """How closely the subject means this owner: 0 the service, 1 the vendor, 2 a category, -1 not at all."""
    if subject.category:
        return 2 if owner == CATEGORY_MARK + subject.category else -1
    vendor, _, services = owner.partition("/")
    if not subject.vendor or subject.vendor != vendor:
        return -1
    if not subject.service:
        return 1
    return 0 if subject.service in services.split(SERVICE_SEPARATOR) else -1


def closest(subjects: Sequence[Subject], owners: Sequence[str]) -> tuple[int, Subject | None]:
    """The subject that means one of the owners most closely, and how closely; -1 and None where none does."""
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
    """Whether the ban is about one of the owners."""
    return closest(ban.subjects, owners)[0] >= 0


def without(owners: OwnerNames, subjects: Sequence[Subject]) -> OwnerNames:
    """The owners that none of the subjects is about."""
    return tuple([owner for owner in owners if closest(subjects, (owner,))[0] < 0])


def subject_label(subject: str) -> SubjectLabel:
    """The labels `vendor` and `service` of a ban's subject: `bytedance/tiktok` gives `bytedance` and `tiktok`."""
    vendor, _, service = subject.removeprefix(CATEGORY_MARK).partition("/")
    return vendor, service
