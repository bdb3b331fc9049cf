"""What people read of a vendor, a service or a category that a word means, and which bans are about it."""

from collections.abc import Sequence

from monitor.catalog.coverage import NO_COVERAGE
from monitor.catalog.entry import CATEGORY_MARK
from monitor.catalog.index import Index
from monitor.catalog.subject_index import PART, Resolution, SubjectIndex
from monitor.policy.ban import Ban, Subject, parse_subject
from monitor.policy.owners import covers
from monitor.units import count_text


def about_subject(bans: Sequence[Ban], subject: Subject) -> tuple[Ban, ...]:
    """The bans of the subject, of all of its vendor, or of a service of it."""
    return tuple(ban for ban in bans if any(concern(one, subject) for one in ban.subjects))


def concern(one: Subject, subject: Subject) -> bool:
    if covers(one, str(subject)) >= 0:
        return True
    return bool(subject.vendor) and not subject.service and one.vendor == subject.vendor


def subject_line(index: Index, subjects: SubjectIndex, subject: str) -> str:
    """`TikTok, a service of ByteDance: 52 names, 3 prefixes`."""
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
    """A line on what a word means, or on what it may mean."""
    if not meaning.subject:
        return meaning.fault()
    line = subject_line(index, subjects, meaning.subject)
    return f"{meaning.taken()}; {line}" if meaning.how == PART or meaning.others else line


def subject_of(meaning: Resolution) -> Subject:
    """Nothing where the word means nothing certain."""
    return parse_subject(meaning.subject) if meaning.subject else Subject()
