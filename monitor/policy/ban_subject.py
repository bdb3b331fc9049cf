"""Whether the lists contain entries of a ban's subject that the ban's layers can act on."""

from collections.abc import Mapping

from monitor.catalog.coverage import NO_COVERAGE, Coverage
from monitor.catalog.entry import CATEGORY, CATEGORY_MARK
from monitor.catalog.index import Index
from monitor.policy.ban import IP, LAYERS, REJECT, SNI, Ban, Subject
from monitor.policy.ban_conditions import (
    ALLOW,
    FINE,
    INEFFECTIVE,
    LAYERS_KEY,
    UNKNOWN,
    VENDORS,
    WAITING,
    Conditions,
    Outcome,
)
from monitor.policy.protected import PROTECTED, is_under
from monitor.units import count_text


def subject_outcome(ban: Ban, subject: Subject, conditions: Conditions) -> Outcome:
    """Returns whether the ban's layers have entries of the subject to act on, as an outcome."""
    text = str(subject)
    coverage = conditions.index.coverage.get(text, NO_COVERAGE)
    if not coverage.entries:
        return empty_outcome(text, conditions)
    if not bites(ban, subject, coverage):
        return Outcome(INEFFECTIVE, blunt_reason(ban, text, coverage), LAYERS_KEY)
    if is_all_allowed(ban, subject, coverage, conditions):
        return Outcome(INEFFECTIVE, f"every name of '{text}' is allowed or protected, nothing is left to ban", ALLOW)
    return FINE


def empty_outcome(text: str, conditions: Conditions) -> Outcome:
    """Returns the outcome for a subject without entries."""
    waiting, broken = of_list(text, conditions.pending), of_list(text, conditions.broken)
    if waiting:
        return Outcome(WAITING, waiting)
    if broken:
        return Outcome(INEFFECTIVE, broken, VENDORS)
    if is_known(conditions.index, text):
        return Outcome(INEFFECTIVE, f"the lists have no entry of '{text}'", VENDORS)
    return Outcome(INEFFECTIVE, conditions.unknown.get(text, f"no list knows '{text}'"), UNKNOWN)


def of_list(text: str, lists: Mapping[str, str]) -> str:
    """Returns the line about a list of this subject or of one of its services, or `""`."""
    for target, line in lists.items():
        if target == text or target.startswith(f"{text}/"):
            return line
    return ""


def is_known(index: Index, text: str) -> bool:
    """Whether a list defines this vendor, service or category, even without entries."""
    if text in index.coverage:
        return True
    slug, _, service = text.removeprefix(CATEGORY_MARK).partition("/")
    for vendor in index.vendors():
        is_meant = vendor.slug == slug and (vendor.kind == CATEGORY) == text.startswith(CATEGORY_MARK)
        if is_meant and (not service or any(known == service for known, _ in vendor.services)):
            return True
    return False


def bites(ban: Ban, subject: Subject, coverage: Coverage) -> bool:
    """Whether a layer of the ban can act on these entries. Every layer acts on names, `ip` by learned addresses."""
    return coverage.names > 0 or bites_by_address(ban, subject, coverage)


def bites_by_address(ban: Ban, subject: Subject, coverage: Coverage) -> bool:
    """Whether the ban acts without a name. Layer `ip` acts on the subject's own prefixes. Layer `sni` kills a flow by
    its address alone if the subject is a category or the ban has `blind = "reject"`.
    """
    if IP in ban.layers and coverage.prefixes:
        return True
    if SNI not in ban.layers:
        return False
    if ban.blind == REJECT:
        return coverage.prefixes + coverage.shared + coverage.asns > 0
    return bool(subject.category) and coverage.prefixes > 0


def blunt_reason(ban: Ban, text: str, coverage: Coverage) -> str:
    held: list[str] = []
    if coverage.prefixes:
        held.append(count_text(coverage.prefixes, "prefix of its own", "prefixes of its own"))
    if coverage.shared:
        held.append(count_text(coverage.shared, "shared prefix", "shared prefixes"))
    if coverage.asns:
        held.append(count_text(coverage.asns, "AS number"))
    layers = ", ".join([layer for layer in LAYERS if layer in ban.layers])
    remedy = ': add "ip" to the layers' if coverage.prefixes else ""
    return f"the lists have no name of '{text}', only {' and '.join(held)}, on which {layers} cannot act{remedy}"


def is_all_allowed(ban: Ban, subject: Subject, coverage: Coverage, conditions: Conditions) -> bool:
    """Whether every name of the subject is allowed or protected and no address is banned, so that the ban is empty."""
    if bites_by_address(ban, subject, coverage):
        return False
    free = frozenset((*(PROTECTED if ban.protect else ()), *conditions.protected, *ban.allow))
    return all(is_under(name, free) for name in conditions.index.names_of(str(subject)))
