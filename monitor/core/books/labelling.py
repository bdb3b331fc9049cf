"""What verdicts are counted under: the vendor or category, the service, the ban's group, the device's group."""

from monitor.attribution.counters import Attribution
from monitor.attribution.devices import Device
from monitor.attribution.evidence import NOBODY
from monitor.attribution.matches import DNS, Match
from monitor.policy.ban import EVERYONE, Ban
from monitor.policy.group_words import is_meant
from monitor.policy.owners import SubjectLabel, subject_label
from monitor.policy.policy import Verdict


def ban_group(ban: Ban, device: Device) -> str:
    """The first of the ban's groups that means the device, `all` for a ban of everyone."""
    for group in ban.groups:
        if is_meant(group, device.groups):
            return group
    return EVERYONE


def group_label(device: Device) -> str:
    return device.groups[0] if device.groups else "none"


def label_of(verdict: Verdict) -> SubjectLabel:
    """What the verdict is about: a flow may have other owners beside it."""
    return subject_label(verdict.subject)


def match_of(match: Match) -> Attribution:
    return match.attribution(DNS) or NOBODY
