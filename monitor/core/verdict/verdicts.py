"""The basis of a verdict over a flow, and the order of two verdicts."""

from typing import Final

from monitor.attribution.client_side import DNS_PORT
from monitor.attribution.counters import Attribution, Watch
from monitor.attribution.description import Description
from monitor.attribution.devices import Device
from monitor.attribution.flows import Flow
from monitor.attribution.matches import DNS, HTTP, PREFIX, QUIC, SNI
from monitor.catalog.entry import CATEGORY_MARK
from monitor.core.flow.blindness import ENCRYPTED_DNS, METHOD_CATEGORY, bypass_method
from monitor.model import key_source
from monitor.policy.ban import IP, REJECT, parse_subject
from monitor.policy.exempted import DeviceKey
from monitor.policy.owners import closest
from monitor.policy.policy import MODE_RANK, Policy, Verdict

CERTAIN: Final = (SNI, QUIC, HTTP, PREFIX)


def device_key(device: Device, key: bytes) -> DeviceKey:
    """Returns the key that exceptions match: the device's MAC, and the source address of a flow key."""
    return device.mac, key_source(key), ""


def is_stronger(one: Verdict | None, other: Verdict | None) -> bool:
    """Whether the first verdict takes precedence over the other."""
    return one is not None and (other is None or MODE_RANK[one.mode] < MODE_RANK[other.mode])


def is_current(watch: Watch, attribution: Attribution | None, policy: Policy) -> bool:
    return watch.version == policy.version and watch.attribution is attribution


def falls_by_address(flow: Flow, attribution: Attribution, verdict: Verdict) -> bool:
    """Whether the ban's address rules block traffic to the flow's address, on any protocol."""
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
    """Whether `is_by_address` holds and the ban does not have `blind = "reject"`."""
    return is_by_address(attribution, verdict) and verdict.ban.blind != REJECT


def is_by_address(attribution: Attribution, verdict: Verdict) -> bool:
    """Whether the address is the only evidence and the ban has no layer `ip` and is not of a category."""
    is_category = verdict.subject.startswith(CATEGORY_MARK)
    return attribution.evidence == PREFIX and IP not in verdict.ban.layers and not is_category


def is_meant_by(verdict: Verdict, attribution: Attribution) -> bool:
    """Whether the verdict is about an owner in the attribution, and not about unidentified traffic."""
    return closest((parse_subject(verdict.subject),), attribution.owners)[0] >= 0


def is_certain(facts: Description) -> bool:
    """Whether the evidence is sufficient for a kill: a client cannot forge it for another client's flow."""
    evidence = facts.attribution.evidence
    return evidence in CERTAIN or (evidence == DNS and facts.is_own)


def is_sure(facts: Description, verdict: Verdict) -> bool:
    """Whether enough is known of a live flow to kill it."""
    if verdict.subject.startswith(CATEGORY_MARK):
        return True
    attribution = facts.attribution
    return is_certain(facts) and is_meant_by(verdict, attribution) and not by_address_alone(attribution, verdict)


def marked_categories(flow: Flow, facts: Description) -> tuple[str, ...]:
    """Returns the categories of the flow's name, address and method, in the form that bans compare."""
    found = facts.categories
    if flow.port == DNS_PORT and ENCRYPTED_DNS in found:
        # Plain DNS, even if the server also offers encrypted DNS.
        found = tuple([category for category in found if category != ENCRYPTED_DNS])
    done = METHOD_CATEGORY.get(bypass_method(flow, found), "")
    if done and done not in found:
        found += (done,)
    return tuple([CATEGORY_MARK + category for category in found]) if found else ()
