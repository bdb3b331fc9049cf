"""The labels of verdict counters: vendor or category, service, the ban's group, the device's group."""

from monitor.attribution.counters import Attribution
from monitor.attribution.devices import Device
from monitor.attribution.evidence import NOBODY
from monitor.attribution.matches import DNS, Match
from monitor.policy.ban import EVERYONE, Ban
from monitor.policy.group_words import is_meant
from monitor.policy.owners import SubjectLabel, subject_label
from monitor.policy.policy import Verdict


def ban_group(ban: Ban, device: Device) -> str:
    """Returns the first of the ban's groups that contains the device, `all` for a ban without groups."""
    for group in ban.groups:
        if is_meant(group, device.groups):
            return group
    return EVERYONE


def group_label(device: Device) -> str:
    return device.groups[0] if device.groups else "none"


def label_of(verdict: Verdict) -> SubjectLabel:
    """Returns the labels of the verdict's subject; the flow may have other owners too."""
    return subject_label(verdict.subject)


def match_of(match: Match) -> Attribution:
    return match.attribution(DNS) or NOBODY
