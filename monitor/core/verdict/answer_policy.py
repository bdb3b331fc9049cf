"""The verdict over one DNS query, in one call for the sinkhole."""

from typing import Final, final

from monitor.attribution.devices import NO_INTERFACE, Device
from monitor.attribution.matches import Match
from monitor.policy.ban import DNS
from monitor.policy.exempted import DeviceKey
from monitor.policy.policy import Policy, Verdict


@final
class AnswerPolicy:
    """`verdict`: the verdict of the ban that applies to the name, or None. `groups`: the groups of the client's device.

    `is_excused`: the name is allowed only by an exception or an allowed name; a ban would block it otherwise.
    `is_known`: a frame or the kernel has identified the device at the client's address.
    """

    __slots__ = ("groups", "is_excused", "is_known", "verdict")

    def __init__(self, verdict: Verdict | None, groups: tuple[str, ...], is_excused: bool, is_known: bool) -> None:
        self.verdict: Final = verdict
        self.groups: Final = groups
        self.is_excused: Final = is_excused
        self.is_known: Final = is_known


def judge_query(
    policy: Policy | None, match: Match, device: Device, address: bytes, now: float, is_target: bool
) -> AnswerPolicy:
    """Judges a query for the name of `match` from the device at the address.

    `is_target`: another name was queried, and its answer leads to this one by CNAME.
    """
    groups = device.groups
    is_known = device.mac != b"" or device.via != b"" or device.interface != NO_INTERFACE
    owners = match.owners.behind if is_target else match.owners.names
    if policy is None or not owners:
        return AnswerPolicy(None, groups, False, is_known)
    key: DeviceKey = (device.mac, address, "")
    verdict = policy.judge(groups, key, owners, match.name, now, DNS)
    is_excused = verdict is None and policy.blocks_without_exceptions(groups, owners, DNS)
    return AnswerPolicy(verdict, groups, is_excused, is_known)
