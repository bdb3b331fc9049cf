"""Describes a vendor, service or category in words, and finds the bans that concern it."""

from collections.abc import Sequence

from monitor.catalog.coverage import NO_COVERAGE
from monitor.catalog.entry import CATEGORY_MARK
from monitor.catalog.index import Index
from monitor.catalog.subject_index import PART, Resolution, SubjectIndex
from monitor.policy.ban import Ban, Subject, parse_subject
from monitor.policy.owners import covers
from monitor.units import count_text


def about_subject(bans: Sequence[Ban], subject: Subject) -> tuple[Ban, ...]:
    """Returns the bans of the subject, of its whole vendor, or of one of its services."""
    return tuple(ban for ban in bans if any(concern(one, subject) for one in ban.subjects))


def concern(one: Subject, subject: Subject) -> bool:
    if covers(one, str(subject)) >= 0:
        return True
    return bool(subject.vendor) and not subject.service and one.vendor == subject.vendor


def subject_line(index: Index, subjects: SubjectIndex, subject: str) -> str:
    """Returns a line such as `TikTok, a service of ByteDance: 52 names, 3 prefixes`."""
    name = subjects.name_of(subject)
    vendor, slash, _ = subject.partition("/")
    if slash:
        name = f"{name}, a service of {subjects.name_of(vendor)}"
    if subject.startswith(CATEGORY_MARK):
        name = f"{name}, a category"
    held = index.coverage.get(subject, NO_COVERAGE)
    counts = [
        count_text(held.names, "name"), count_text(held.prefixes, "prefix of its own", "prefixes of its own"),
        count_text(held.shared, "shared prefix", "shared prefixes"), count_text(held.asns, "AS number"),
    ]  # fmt: skip
    shown = [text for text in counts if not text.startswith("0 ")]
    return f"{name}: {', '.join(shown) or 'no entries'}"


def meaning_line(index: Index, subjects: SubjectIndex, meaning: Resolution) -> str:
    """Returns a line about what a word means or could mean."""
    if not meaning.subject:
        return meaning.fault()
    line = subject_line(index, subjects, meaning.subject)
    return f"{meaning.taken()}; {line}" if meaning.how == PART or meaning.others else line


def subject_of(meaning: Resolution) -> Subject:
    """Returns the subject, or an empty one if the word has no certain meaning."""
    return parse_subject(meaning.subject) if meaning.subject else Subject()
