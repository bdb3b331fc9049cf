"""Judges killed flows again after a change of policy."""

from typing import final

from monitor.attribution.devices import Device
from monitor.core.effects import UNKNOWN_SEQUENCE, Effect, Kill, ReleaseFlows
from monitor.core.verdict.kills import Grounds, Killed, Kills
from monitor.core.verdict.verdicts import device_key
from monitor.policy.ban import REJECT, Ban, parse_subject
from monitor.policy.owners import closest
from monitor.policy.policy import BLOCK, Policy, Verdict


def grounds_of(device: Device, owners: tuple[str, ...], name: bytes, verdict: Verdict, blind: bool) -> Grounds:
    """Returns the basis of the verdict over a flow.

    If the subject of the ban matches no owner, it is added to the owners: such a subject is the category of the flow's
    method, or the owner of the remote address of a flow without a known name.
    """
    subject = verdict.subject
    if closest((parse_subject(subject),), owners)[0] < 0:
        owners = (*owners, subject)
    return Grounds(device, owners, name, blind)


def judge_killed(policy: Policy | None, key: bytes, grounds: Grounds, now: float) -> Verdict | None:
    """Returns the verdict that keeps the flow killed, or None if the flow is to be released."""
    if policy is None or not policy.active:
        return None
    device = grounds.device
    while device.merged is not None:
        device = device.merged
    who, blind = device_key(device, key), REJECT if grounds.blind else ""
    verdict = policy.judge(device.groups, who, grounds.owners, grounds.name, now, "", blind)
    return verdict if verdict is not None and verdict.action == BLOCK else None


@final
class JudgedAgain:
    """Judges the killed flows of the devices `numbers` (None: all devices) by the new policy. Flows that a ban still
    blocks stay killed; `gone` has the keys of the others.
    """

    __slots__ = ("effects", "gone")

    def __init__(self, policy: Policy | None, kills: Kills, numbers: set[int] | None, now: float) -> None:
        self.effects: list[Effect] = []
        self.gone: list[bytes] = []
        for key, killed in kills.all():
            if numbers is not None and killed.grounds.device.number not in numbers:
                continue
            verdict = judge_killed(policy, key, killed.grounds, now)
            if verdict is None:
                kills.drop(key)
                self.gone.append(key)
            else:
                self._keep(key, killed, verdict.ban, now)
        if self.gone:
            self.effects.append(ReleaseFlows(tuple(self.gone)))

    def _keep(self, key: bytes, killed: Killed, ban: Ban, now: float) -> None:
        """Makes `ban` the ban that keeps the flow killed. Moves the flow to the kill set of the ban's `on_failure`."""
        before = killed.on_failure
        killed.ban, killed.on_failure = ban.id, ban.on_failure
        if before != ban.on_failure:
            self.effects.append(Kill(now, key, UNKNOWN_SEQUENCE, ban.id, ban.on_failure))
            self.effects.append(ReleaseFlows((key,), before))


def list_kills(policy: Policy | None, kills: Kills, now: float) -> list[Kill]:
    """Returns the flows that the kernel must still hold, as kills at `now`."""
    bans = {ban.id: ban for ban in policy.active} if policy is not None else {}
    return [
        Kill(now, key, UNKNOWN_SEQUENCE, ban, bans[ban].on_failure)
        for key, ban in kills.standing(now).items()
        if ban in bans
    ]
