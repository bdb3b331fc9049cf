"""Changes of the policy at run time, as data, and their effect on the configured policy.

The newest override of a target takes precedence. When it expires, the previous one applies again; when all have
expired, the configuration applies. `ban` and `unban` concern one subject and one group, or all devices; an `unban`
without a group concerns every ban of its subject. A runtime ban replaces a configured ban of the same subject and
group, and inherits the settings that the override does not contain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, TypeAlias

from monitor.policy.ban import ENFORCE, EVERYONE, LAYERS, RUNTIME, Ban, Exemption, Subject, is_over, parse_subject
from monitor.policy.schedule import ALWAYS

BAN: Final = "ban"
UNBAN: Final = "unban"
ALLOW: Final = "allow"
PAUSE: Final = "pause"
RESUME: Final = "resume"
VERBS: Final = (BAN, UNBAN, ALLOW, PAUSE, RESUME)

# A subject in the form of `str(Subject)`, and a group, `""` for all devices.
Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Override:
    """One command of a user, with its time, reason and end.

    `subject` is that of `ban` and `unban`, and of an `allow` of a whole vendor; `group` is `""` for all devices, else a
    word of `group_words.py`. `device` (packed MAC or address) and `name` are those of `allow`. Without `layers`, the
    ban has those of the configured ban, else all. `until` is in seconds since the epoch, 0: no end. `everything` makes
    `resume` remove every earlier override. `uid`, `user` and `pid` identify the process that sent the command, as
    reported by the kernel.
    """

    verb: str
    time: float
    uid: int
    user: str
    pid: int
    subject: str = ""
    group: str = ""
    mode: str = ENFORCE
    layers: tuple[str, ...] = ()
    device: bytes = b""
    name: bytes = b""
    until: float = 0.0
    reason: str = ""
    everything: bool = False


@dataclass(frozen=True)
class EffectivePolicy:
    """The parts of a policy. `paused_until` is in seconds since the epoch, infinite for a pause without end."""

    bans: tuple[Ban, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    paused_until: float = 0.0


def effective(configured: EffectivePolicy, orders: Sequence[Override], now: float) -> EffectivePolicy:
    """Returns the configured policy with the overrides, oldest first, applied. Valid until `next_expiry`."""
    live = live_orders(orders, now)
    rulings, lifted = rule_pairs(live)
    bans: list[Ban] = []
    replaced: dict[Pair, Ban] = {}
    for ban in configured.bans:
        kept: set[Pair] = set()
        for pair in pairs_of(ban):
            if pair in rulings:
                replaced.setdefault(pair, ban)
            elif pair[0] not in lifted:
                kept.add(pair)
        bans += restrict(ban, kept)
    runtime = [runtime_ban(order, replaced.get(pair)) for pair, order in rulings.items() if order.verb == BAN]
    return EffectivePolicy(
        tuple(distinct(runtime + bans)),
        (*allowances(live), *configured.exemptions),
        max(configured.paused_until, paused_until(live)),
    )


def next_expiry(orders: Sequence[Override], now: float) -> float:
    """Returns when the result of `effective` changes next, infinite if never."""
    return min([order.until for order in orders if order.until > now], default=inf)


def with_order(orders: Sequence[Override], order: Override, now: float) -> list[Override]:
    """Adds `order` to the overrides. Drops those that have ended, and those of the same target that end before it.

    If `order` has already ended, drops the earlier overrides of its target.
    """
    live = live_orders(orders, now)
    if order.verb == RESUME:
        return live_orders([*live, order], now)[:-1]
    ends = is_over(order.until, now)
    live = [kept for kept in live if not (is_about(order, kept) and (ends or lasts(order, kept)))]
    return live if ends else [*live, order]


def live_orders(orders: Sequence[Override], now: float) -> list[Override]:
    """Returns the overrides that have not ended and that no later `resume` has removed."""
    live: list[Override] = []
    for order in orders:
        if order.verb == RESUME:
            live = [] if order.everything else [kept for kept in live if kept.verb != PAUSE]
        if not is_over(order.until, now):
            live.append(order)
    return live


def lasts(later: Override, order: Override) -> bool:
    """Whether the later override ends no earlier than the earlier one, `order`."""
    return not later.until or 0.0 < order.until <= later.until


def is_about(later: Override, order: Override) -> bool:
    """Whether the later override covers everything that the earlier one covers."""
    if order.verb in (BAN, UNBAN) and later.verb in (BAN, UNBAN):
        if later.subject != order.subject:
            return False
        if later.verb == UNBAN and not later.group:
            return True
        return later.group == order.group and not (order.verb == UNBAN and not order.group)
    if order.verb != later.verb:
        return False
    return order.verb == PAUSE or (order.device, order.name, order.subject) == (later.device, later.name, later.subject)


def rule_pairs(live: Sequence[Override]) -> tuple[dict[Pair, Override], set[str]]:
    """Returns the override in force for each pair of subject and group, newest last; and the subjects whose other bans
    are all lifted.
    """
    rulings: dict[Pair, Override] = {}
    lifted: set[str] = set()
    for order in live:
        if order.verb == UNBAN and not order.group:
            rulings = {pair: kept for pair, kept in rulings.items() if pair[0] != order.subject}
            lifted.add(order.subject)
        elif order.verb in (BAN, UNBAN):
            rulings.pop((order.subject, order.group), None)
            rulings[(order.subject, order.group)] = order
    return rulings, lifted


def allowances(live: Sequence[Override]) -> list[Exemption]:
    """Returns the newest `allow` of each device and name or vendor."""
    newest: dict[tuple[bytes, bytes, str], Exemption] = {}
    for order in live:
        if order.verb == ALLOW:
            key = (order.device, order.name, order.subject)
            newest.pop(key, None)
            newest[key] = Exemption(order.device, order.name, order.subject, order.until, order.reason)
    return list(newest.values())


def paused_until(live: Sequence[Override]) -> float:
    """Returns the end of the newest pause, 0 if no pause applies."""
    until = 0.0
    for order in live:
        if order.verb == PAUSE:
            until = order.until or inf
    return until


def pairs_of(ban: Ban) -> list[Pair]:
    """Returns every subject of the ban with every group of it."""
    return [(str(subject), group) for subject in ban.subjects for group in ban.groups or ("",)]


def restrict(ban: Ban, kept: set[Pair]) -> list[Ban]:
    """Reduces the ban to these pairs: the ban itself, no ban, or one ban for each remaining set of groups."""
    if len(kept) == len(pairs_of(ban)):
        return [ban]
    by_groups: dict[tuple[str, ...], list[Subject]] = {}
    for subject in ban.subjects:
        groups = tuple([group for group in ban.groups or ("",) if (str(subject), group) in kept])
        if groups:
            by_groups.setdefault(groups, []).append(subject)
    return [
        replace(ban, subjects=tuple(subjects), groups=tuple([group for group in groups if group]))
        for groups, subjects in by_groups.items()
    ]


def runtime_ban(order: Override, configured: Ban | None) -> Ban:
    """Returns the ban of an override, which replaces the configured ban if there is one. It has no schedule."""
    base = configured or Ban("", ())
    return replace(
        base,
        id=f"{RUNTIME}.{ban_id((order.subject,), (order.group,))}",
        subjects=(parse_subject(order.subject),),
        groups=(order.group,) if order.group else (),
        mode=order.mode,
        layers=frozenset(order.layers) if order.layers else base.layers if configured else frozenset(LAYERS),
        schedule=ALWAYS,
        reason=order.reason or base.reason,
        until=order.until,
        source=RUNTIME,
    )


def ban_id(subjects: Sequence[str], groups: Sequence[str]) -> str:
    """Returns an id for a ban, from its first subject and group: `bytedance.tiktok-students`. It may not be unique."""
    subject = subjects[0].replace("/", ".").replace(":", ".")
    group = (groups[0] if groups else "") or EVERYONE
    return f"{subject}-{group.replace('!', '.not.').strip('.')}"


def distinct(bans: Sequence[Ban]) -> list[Ban]:
    """Makes the ids of the bans unique: an id that an earlier ban uses gets a number as suffix."""
    taken: set[str] = set()
    found = []
    for ban in bans:
        name, number = ban.id, 1
        while name in taken:
            number += 1
            name = f"{ban.id}.{number}"
        taken.add(name)
        found.append(ban if name == ban.id else replace(ban, id=name))
    return found
