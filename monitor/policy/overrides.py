"""Changes of policy at run time, as data, and what they make of the configured policy.

The newest order about a thing rules. One that expires leaves it to the one before, and the last of them to the
configuration. `ban` and `unban` are about one subject and one group, or everyone; an `unban` without a group is about
every ban of its subject. A ban at run time takes the place of a configured ban of the same subject and group, and
keeps of it what the order does not say.
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

# A subject as `str(Subject)` writes it, and a group, `""` for everyone.
Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Override:
    """What somebody asked for, when, why and until when.

    `subject` is that of `ban` and `unban`, and of an `allow` of a whole vendor; `group` is `""` for everyone, else a
    word of `group_words.py`. `device`
    (packed MAC or address) and `name` are those of `allow`. No `layers`: those of the configured ban, else all.
    `until` is in seconds since the epoch, 0: no end. `everything` makes `resume` forget every order before it.
    `uid`, `user` and `pid` are the asking process's, as the kernel tells them.
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
    """What a policy is made of. `paused_until` is in seconds since the epoch, infinite for a pause without end."""

    bans: tuple[Ban, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    paused_until: float = 0.0


def effective(configured: EffectivePolicy, orders: Sequence[Override], now: float) -> EffectivePolicy:
    """The configured policy as the orders, oldest first, have changed it. To be asked again at `next_expiry`."""
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
    """When `effective` will say something else, infinite where it never will."""
    return min([order.until for order in orders if order.until > now], default=inf)


def with_order(orders: Sequence[Override], order: Override, now: float) -> list[Override]:
    """The orders that still matter after this one: neither over, nor outlived by it.

    One that is over as it comes ends whatever was ordered about the same.
    """
    live = live_orders(orders, now)
    if order.verb == RESUME:
        return live_orders([*live, order], now)[:-1]
    ends = is_over(order.until, now)
    live = [kept for kept in live if not (is_about(order, kept) and (ends or lasts(order, kept)))]
    return live if ends else [*live, order]


def live_orders(orders: Sequence[Override], now: float) -> list[Override]:
    """Without those that are over, and without what a later `resume` made an end of."""
    live: list[Override] = []
    for order in orders:
        if order.verb == RESUME:
            live = [] if order.everything else [kept for kept in live if kept.verb != PAUSE]
        if not is_over(order.until, now):
            live.append(order)
    return live


def lasts(later: Override, order: Override) -> bool:
    """Whether the later order holds for at least as long."""
    return not later.until or 0.0 < order.until <= later.until


def is_about(later: Override, order: Override) -> bool:
    """Whether the later order is about all that the earlier one is about."""
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
    """The order that rules over each pair, the newest last, and the subjects of which every other ban is lifted."""
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
    """The newest `allow` of each device and name or vendor."""
    newest: dict[tuple[bytes, bytes, str], Exemption] = {}
    for order in live:
        if order.verb == ALLOW:
            key = (order.device, order.name, order.subject)
            newest.pop(key, None)
            newest[key] = Exemption(order.device, order.name, order.subject, order.until, order.reason)
    return list(newest.values())


def paused_until(live: Sequence[Override]) -> float:
    """The end of the newest pause, 0 where nothing pauses."""
    until = 0.0
    for order in live:
        if order.verb == PAUSE:
            until = order.until or inf
    return until


def pairs_of(ban: Ban) -> list[Pair]:
    """Every subject of the ban with every group of it."""
    return [(str(subject), group) for subject in ban.subjects for group in ban.groups or ("",)]


def restrict(ban: Ban, kept: set[Pair]) -> list[Ban]:
    """The ban with these of its pairs only: itself, nothing, or a ban for each set of groups that is left."""
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
    """The ban that an order makes, in the place of the configured one if there is one; it has no schedule."""
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
    """A name for a ban, of its first subject and group: `bytedance.tiktok-students`. Others may have the same one."""
    subject = subjects[0].replace("/", ".").replace(":", ".")
    group = (groups[0] if groups else "") or EVERYONE
    return f"{subject}-{group.replace('!', '.not.').strip('.')}"


def distinct(bans: Sequence[Ban]) -> list[Ban]:
    """The bans, those whose id another one before them has with a number behind it."""
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
