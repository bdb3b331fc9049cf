"""Decides which ban applies: takes groups, owners and a name, and returns a verdict.

A name or address has several owners, each in the form of `catalog.entry.owner_text`; a ban applies to it if it applies
to one of them. Exceptions come first, then the modes enforce, shadow, observe. Within a mode, a ban of the service
precedes a ban of the vendor, which precedes a ban of the category; after that the order of the bans decides. An
exception for a vendor removes the owners that it matches, and bans of the other owners still apply. Verdicts do not
depend on packets: they are cached by (groups, owners, layer), and only names are checked at each call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, final

from monitor.policy.ban import DNS, ENFORCE, OBSERVE, SHADOW, STRIP, Ban, Exemption, Subject, is_over, parse_subject
from monitor.policy.exempted import DeviceKey, Exempted
from monitor.policy.group_words import is_meant
from monitor.policy.owners import OwnerNames, closest, without
from monitor.policy.protected import PROTECTED, is_under
from monitor.policy.schedule import LocalTime, next_change

BLOCK: Final = "block"
ACTIONS: Final = {ENFORCE: BLOCK, SHADOW: SHADOW, OBSERVE: OBSERVE}
MODE_RANK: Final = {ENFORCE: 0, SHADOW: 1, OBSERVE: 2}
# The clock or its time zone may be changed while the daemon runs: check again after this time.
RECHECK_SECONDS: Final = 3600.0
# Maximum of cached verdicts. Groups and owners are few, but have no other limit.
VERDICTS_KEPT: Final = 65_536
VITAL: Final = frozenset(PROTECTED)


@dataclass(frozen=True)
class Verdict:
    """The ban that applies; `action` is `block`, `shadow` or `observe`. `subject` is the subject that matched."""

    ban: Ban
    mode: str
    action: str
    subject: str


@final
class Judged:
    """A verdict, its rank among the verdicts (the lowest applies), and the names that its ban allows."""

    __slots__ = ("allow", "rank", "verdict")

    def __init__(self, verdict: Verdict, specificity: int, order: int) -> None:
        self.verdict = verdict
        self.rank = (MODE_RANK[verdict.mode], specificity, order)
        self.allow = frozenset(verdict.ban.allow)


def judge_ban(ban: Ban, owners: Sequence[str], order: int) -> Judged | None:
    """Returns the verdict of the ban for the subject that matches an owner most closely, or None."""
    best, subject = closest(ban.subjects, owners)
    return Judged(Verdict(ban, ban.mode, ACTIONS[ban.mode], str(subject)), best, order) if best >= 0 else None


@final
class Policy:
    """All bans and exceptions, and which of them are in force.

    `protected` are names in addition to the built-in ones. Each call with `now` advances the time; `version` increases
    whenever the bans or exceptions in force change.
    """

    __slots__ = (
        "_broad", "_due", "_excused", "_local_time", "_protected", "_since", "_spared", "_verdicts", "active", "bans",
        "exemptions", "paused_until", "version",
    )  # fmt: skip

    def __init__(
        self,
        bans: Sequence[Ban],
        exemptions: Sequence[Exemption],
        protected: Sequence[bytes],
        local_time: LocalTime,
        paused_until: float = 0.0,
    ) -> None:
        self.bans = tuple(bans)
        self.exemptions = tuple(exemptions)
        self.paused_until = paused_until
        self.active: tuple[Ban, ...] = ()
        self.version = 0
        self._local_time = local_time
        self._protected = frozenset(protected)
        self._broad: list[Exempted] = []
        self._excused: dict[bytes, frozenset[bytes]] = {}
        self._spared: dict[bytes, tuple[Subject, ...]] = {}
        self._verdicts: dict[tuple[tuple[str, ...], OwnerNames, str], list[Judged]] = {}
        self._since = inf
        self._due = -inf

    def judge(
        self,
        groups: tuple[str, ...],
        device: DeviceKey,
        owners: OwnerNames,
        name: bytes,
        now: float,
        layer: str = "",
        blind: str = "",
    ) -> Verdict | None:
        """Returns the verdict for access of `device` to these owners, or None if no ban applies.

        `name` may be empty if only an address is known. With `layer`, only bans with this layer are considered. With
        `blind`, only bans whose setting `blind` (for traffic without a known name) has this value.
        """
        if now >= self._due or now < self._since:
            self.refresh(now)
        judged = self._ranked(groups, owners, layer)
        if not judged or self._is_exempt(groups, device, name):
            return None
        if self._spared or self._broad:
            left = self._unspared(groups, device, owners)
            if left != owners:
                judged = self._ranked(groups, left, layer)
        vital = name != b"" and is_under(name, VITAL)
        for candidate in judged:
            if vital and candidate.verdict.ban.protect:
                continue
            if blind and candidate.verdict.ban.blind != blind:
                continue
            if not candidate.allow or not name or not is_under(name, candidate.allow):
                return candidate.verdict
        return None

    def blocks_without_exceptions(self, groups: tuple[str, ...], owners: OwnerNames, layer: str) -> bool:
        """Whether a ban blocks these owners if exceptions, allowed names and protected names are ignored.

        Considers the bans in force at the last `refresh`.
        """
        judged = self._ranked(groups, owners, layer)
        return len(judged) > 0 and judged[0].verdict.action == BLOCK

    def exemption_of(
        self, groups: tuple[str, ...], device: DeviceKey, owners: OwnerNames, name: bytes, now: float
    ) -> Exemption | None:
        """Returns the exception that frees the name, or one of the owners, for the device."""
        for exemption in self.exemptions:
            if is_over(exemption.until, now):
                continue
            one = Exempted(exemption)
            is_about = exemption.vendor != "" and closest((one.subject,), owners)[0] >= 0
            if one.holds(groups, device) and (one.frees(name) or is_about):
                return exemption
        return None

    def is_protected(self, name: bytes) -> bool:
        """Whether the name is protected: by the administrator, or built in (unless all bans have `protect = false`)."""
        if is_under(name, self._protected):
            return True
        return is_under(name, VITAL) and (not self.bans or any(ban.protect for ban in self.bans))

    def frees(self, ban: Ban, name: bytes) -> bool:
        """Whether the name is protected or allowed under this ban."""
        if is_under(name, self._protected) or (ban.protect and is_under(name, VITAL)):
            return True
        return bool(ban.allow) and is_under(name, frozenset(ban.allow))

    def pause(self, until: float) -> None:
        """Suspends all bans until this time. A time in the past ends the suspension."""
        self.paused_until = until
        self._due = -inf

    def take_ends(self, bans: Sequence[Ban], exemptions: Sequence[Exemption], paused_until: float) -> None:
        """Replaces the end times of bans and exceptions after a clock step. Nothing else may differ."""
        self.bans = tuple(bans)
        self.exemptions = tuple(exemptions)
        self.pause(paused_until)

    def diverts(self, groups: tuple[str, ...], now: float) -> bool:
        """Whether the DNS queries of these groups are diverted to the sinkhole, because a ban needs their plain DNS."""
        self.refresh(now)
        return any(ban.mode == ENFORCE and DNS in ban.layers and holds(ban, groups) for ban in self.active)

    def strips_ech(self, groups: tuple[str, ...], now: float) -> bool:
        """Whether the sinkhole removes the `ech` parameter from answers to these groups."""
        self.refresh(now)
        return any(ban.mode == ENFORCE and ban.ech == STRIP and holds(ban, groups) for ban in self.active)

    def excuses(self) -> bool:
        """Whether a single device has an exception for a name. The name's addresses must then be open to it too."""
        return bool(self._excused)

    def spares(self) -> dict[bytes, tuple[Subject, ...]]:
        """Returns the devices that may reach whole vendors, with the subjects of these vendors."""
        return self._spared

    def broad(self) -> list[Exemption]:
        """Returns the exceptions for groups and prefixes that are in force."""
        return [one.exemption for one in self._broad]

    def next_change(self, now: float) -> float:
        """Returns when the bans in force change next (start, end or expiry), infinite if never."""
        ends = [ban.until for ban in self.bans] + [exemption.until for exemption in self.exemptions]
        due = min([until for until in [*ends, self.paused_until] if until > now], default=inf)
        for schedule in {ban.schedule for ban in self.bans if not is_over(ban.until, now)}:
            due = min(due, next_change(schedule, now, self._local_time))
        return due

    def refresh(self, now: float) -> bool:
        """Updates which bans and exceptions are in force. Returns True if they changed."""
        if self._since <= now < self._due:
            return False
        weekday, minute = self._local_time(now)
        active: tuple[Ban, ...] = ()
        if now >= self.paused_until:
            active = tuple(
                ban for ban in self.bans if not is_over(ban.until, now) and ban.schedule.active(weekday, minute)
            )
        excused, spared, broad = self._excused, self._spared, self.broad()
        self._take_exemptions(now)
        changed = active != self.active or excused != self._excused or spared != self._spared or broad != self.broad()
        if changed:
            self.active = active
            self.version += 1
            self._verdicts.clear()
        self._since = now
        self._due = min(self.next_change(now), now + RECHECK_SECONDS)
        return changed

    def _take_exemptions(self, now: float) -> None:
        self._excused, self._spared, self._broad = {}, {}, []
        for exemption in self.exemptions:
            device = exemption.device
            if is_over(exemption.until, now):
                continue
            if exemption.is_broad():
                self._broad.append(Exempted(exemption))
                continue
            if exemption.name:
                self._excused[device] = self._excused.get(device, frozenset()) | {exemption.name}
            if exemption.vendor:
                self._spared[device] = (*self._spared.get(device, ()), parse_subject(exemption.vendor))

    def _ranked(self, groups: tuple[str, ...], owners: OwnerNames, layer: str) -> list[Judged]:
        """Returns the cached result of `_rank`."""
        key = (groups, owners, layer)
        judged = self._verdicts.get(key)
        if judged is None:
            judged = self._rank(groups, owners, layer)
            if len(self._verdicts) >= VERDICTS_KEPT:
                self._verdicts.clear()
            self._verdicts[key] = judged
        return judged

    def _rank(self, groups: tuple[str, ...], owners: OwnerNames, layer: str) -> list[Judged]:
        """Returns the verdicts of all bans of these groups for the owners, in order of precedence."""
        judged = []
        for order, ban in enumerate(self.active):
            if holds(ban, groups) and (not layer or layer in ban.layers):
                found = judge_ban(ban, owners, order)
                if found is not None:
                    judged.append(found)
        judged.sort(key=lambda one: one.rank)
        return judged

    def _is_exempt(self, groups: tuple[str, ...], device: DeviceKey, name: bytes) -> bool:
        """Whether the administrator protects the name, or this device has an exception for it."""
        if not name:
            return False
        if is_under(name, self._protected):
            return True
        for one in self._broad:
            if one.frees(name) and one.holds(groups, device):
                return True
        if not self._excused:
            return False
        return any(is_under(name, self._excused.get(key, frozenset())) for key in (device[0], device[1]))

    def _unspared(self, groups: tuple[str, ...], device: DeviceKey, owners: OwnerNames) -> OwnerNames:
        """Returns the owners for which the device has no exception."""
        for one in self._broad:
            if one.exemption.vendor and one.holds(groups, device):
                owners = without(owners, (one.subject,))
        for key in (device[0], device[1]):
            subjects = self._spared.get(key)
            if subjects is not None:
                owners = without(owners, subjects)
        return owners


def holds(ban: Ban, groups: tuple[str, ...]) -> bool:
    """Whether the ban applies to a device of these groups."""
    if not ban.groups:
        return True
    return any(is_meant(word, groups) for word in ban.groups)
