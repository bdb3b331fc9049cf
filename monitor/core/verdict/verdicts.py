"""What a verdict over a flow rests on, and which of two verdicts goes before the other."""

from monitor.attribution.counters import Attribution, Watch
from monitor.attribution.flows import Flow
from monitor.attribution.matches import PREFIX
from monitor.catalog.entry import CATEGORY_MARK
from monitor.policy.ban import IP, REJECT, parse_subject
from monitor.policy.owners import closest
from monitor.policy.policy import MODE_RANK, Policy, Verdict


def is_stronger(one: Verdict | None, other: Verdict | None) -> bool:
    """Whether the one verdict goes before the other."""
    return one is not None and (other is None or MODE_RANK[one.mode] < MODE_RANK[other.mode])


def is_current(watch: Watch, attribution: Attribution, policy: Policy) -> bool:
    return watch.version == policy.version and watch.attribution is attribution


def falls_by_address(flow: Flow, attribution: Attribution, verdict: Verdict) -> bool:
    """Whether the ban's rules stop what goes to that address, by whatever protocol."""
    if IP not in verdict.ban.layers:
        return False
    remote = flow.remote
    if attribution.evidence == PREFIX and not verdict.subject.startswith(CATEGORY_MARK):
        return True
    subject = verdict.subject
    return (
        remote is not None and subject.startswith(CATEGORY_MARK) and subject[len(CATEGORY_MARK) :] in remote.categories
    )


def by_address_alone(attribution: Attribution, verdict: Verdict) -> bool:
    """Whether only its address speaks for a flow, and the ban neither is about addresses nor rejects what is blind."""
    return is_by_address(attribution, verdict) and verdict.ban.blind != REJECT


def is_by_address(attribution: Attribution, verdict: Verdict) -> bool:
    """Whether the address alone speaks for the flow, under a ban without layer `ip`."""
    is_category = verdict.subject.startswith(CATEGORY_MARK)
    return attribution.evidence == PREFIX and IP not in verdict.ban.layers and not is_category


def flow_name(flow: Flow) -> bytes:
    """The name that the flow goes by: one that it inherited, of its answer, or of its own hello; `b""` without one."""
    if flow.inherited and not flow.host:
        return flow.inherited
    claim = flow.claim
    return claim.name if claim is not None and (flow.ech or not flow.host) else flow.host


def is_meant_by(verdict: Verdict, attribution: Attribution) -> bool:
    """Whether the verdict is about an owner that the attribution gives, not about what nothing can name."""
    return closest((parse_subject(verdict.subject),), attribution.owners)[0] >= 0
