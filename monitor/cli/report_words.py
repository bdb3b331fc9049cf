"""The filters of a report: words for vendors, services and groups of the catalogue or of the journal."""

from argparse import Namespace
from dataclasses import dataclass

from monitor.catalog.entry import CATEGORY_MARK
from monitor.catalog.likeness import alike
from monitor.catalog.subject_index import SLUG, Resolution, SubjectIndex
from monitor.catalog.words import fold
from monitor.config.faults import no_group
from monitor.config.sections import Config
from monitor.config.settings import user_lists
from monitor.errors import GatewatchError, UsageError
from monitor.journal.reader import Wanted, read_labels
from monitor.lists.cache import load_cached

# The journal's labels for traffic outside the catalogue, and for devices outside all groups.
NO_VENDOR = ("other", "unknown")
NO_GROUP = ("none", "other")


@dataclass(frozen=True)
class ReportLabels:
    """The words that a report accepts. `services` are the journal's (vendor, service) pairs, `groups` its groups."""

    subjects: SubjectIndex
    services: frozenset[tuple[str, str]]
    groups: frozenset[str]


def read_wanted(arguments: Namespace, since: str, config: Config, path: str) -> tuple[Wanted, list[str]]:
    """Returns the filter, and notes on what words were taken for. Raises UsageError for unknown or ambiguous words."""
    if not (arguments.vendor or arguments.service or arguments.group):
        return Wanted(since), []
    labels = read_known(config, path)
    notes: list[str] = []
    vendor, service = "", ""
    if arguments.vendor:
        vendor, service = subject_wanted(arguments.vendor, labels, notes, "--vendor")
    if arguments.service:
        if service:
            raise UsageError(f"--service: '{arguments.vendor}' is a service itself")
        vendor, service = service_wanted(arguments.service, vendor, labels, notes)
    if arguments.group:
        check_group(arguments.group, config, labels)
    return Wanted(since, vendor, service, arguments.group), notes


def read_known(config: Config, path: str) -> ReportLabels:
    """Reads the words of catalogue and journal. If the journal cannot be read, the report itself shows the reason."""
    subjects = SubjectIndex(load_cached(user_lists(config)).index)
    try:
        services, groups = read_labels(path)
    except GatewatchError:
        services, groups = set(), set()
    return ReportLabels(subjects, frozenset(services), frozenset(groups))


def subject_wanted(word: str, labels: ReportLabels, notes: list[str], option: str) -> tuple[str, str]:
    """Returns the vendor and service of a word. A vendor that only the journal has needs its exact slug."""
    vendor, _, service = word.partition("/")
    found = labels.subjects.resolve(word)
    in_journal = any(vendor == known and service in ("", of) for known, of in labels.services)
    if found.how != SLUG and (in_journal or vendor in NO_VENDOR):
        if found.subject:
            notes.append(
                f"'{word}' is taken as a vendor of the journal; the catalogue has '{found.subject}' by that name"
            )
        return vendor, service
    if not found.subject:
        raise UsageError(f"{option}: {fault_of(found, labels)}")
    if found.taken():
        notes.append(found.taken())
    vendor, _, service = found.subject.removeprefix(CATEGORY_MARK).partition("/")
    return vendor, service


def service_wanted(word: str, vendor: str, labels: ReportLabels, notes: list[str]) -> tuple[str, str]:
    """Returns the vendor and service of `--service`, within the vendor of `--vendor` if one is given."""
    if vendor:
        return subject_wanted(f"{vendor}/{word}", labels, notes, "--service")
    if any(word == service for _, service in labels.services):
        return "", word
    found = subject_wanted(word, labels, notes, "--service")
    if not found[1]:
        raise UsageError(f"--service: '{word}' is the vendor '{found[0]}': use --vendor")
    return found


def fault_of(found: Resolution, labels: ReportLabels) -> str:
    """Returns what is wrong with the word, with similar vendors of the journal as hints."""
    known = {fold(vendor): vendor for vendor, _ in labels.services}
    near = [f"'{known[one]}'" for one in alike(fold(found.word), list(known)) if known[one] not in found.candidates]
    if not near:
        return found.fault()
    if not found.candidates:
        return f"no list knows '{found.word}', the journal has {' and '.join(near)}"
    return f"{found.fault()}; the journal has {' and '.join(near)}"


def check_group(group: str, config: Config, labels: ReportLabels) -> None:
    """Raises UsageError for a group that is neither in the configuration nor in the journal."""
    known = [one.name for one in config.groups]
    if group in known or group in labels.groups or group in NO_GROUP:
        return
    named = sorted({*known, *labels.groups} - {*NO_GROUP})
    raise UsageError(f"--group: {no_group(group, named)}")
