"""What a verdict over a flow rests on, and which of two verdicts goes before the other."""

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
    """What exceptions know a device by: its MAC, and the source address of a flow key."""
    return device.mac, key_source(key), ""


def is_stronger(one: Verdict | None, other: Verdict | None) -> bool:
    """Whether the one verdict goes before the other."""
    return one is not None and (other is None or MODE_RANK[one.mode] < MODE_RANK[other.mode])


def is_current(watch: Watch, attribution: Attribution | None, policy: Policy) -> bool:
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


def is_meant_by(verdict: Verdict, attribution: Attribution) -> bool:
    """Whether the verdict is about an owner that the attribution gives, not about what nothing can name."""
    return closest((parse_subject(verdict.subject),), attribution.owners)[0] >= 0


def is_certain(facts: Description) -> bool:
    """Whether the evidence is enough to cut a flow: a client can forge none of it for another client's flow."""
    evidence = facts.attribution.evidence
    return evidence in CERTAIN or (evidence == DNS and facts.is_own)


def is_sure(facts: Description, verdict: Verdict) -> bool:
    """Whether enough is known of a live flow to cut it."""
    if verdict.subject.startswith(CATEGORY_MARK):
        return True
    attribution = facts.attribution
    return is_certain(facts) and is_meant_by(verdict, attribution) and not by_address_alone(attribution, verdict)


def marked_categories(flow: Flow, facts: Description) -> tuple[str, ...]:
    """The categories of the flow's name, of its address, and of what it does, as bans compare them."""
    found = facts.categories
    if flow.port == DNS_PORT and ENCRYPTED_DNS in found:
        # Plain DNS, whatever else its server offers.
        found = tuple([category for category in found if category != ENCRYPTED_DNS])
    done = METHOD_CATEGORY.get(bypass_method(flow, found), "")
    if done and done not in found:
        found += (done,)
    return tuple([CATEGORY_MARK + category for category in found]) if found else ()
